// Bluesky's official library: reads a JSON list of texts, writes for each its graphemes and the facets that its apps
// send (kind, byte offsets, target). Of two that overlap an app shows the first.
import { readFileSync } from "node:fs";
import { RichText } from "@atproto/api";

const facet = ({ index, features: [one] }) => {
  const kind = one.$type.split("#")[1];
  return [kind, index.byteStart, index.byteEnd, one.uri ?? one.tag ?? one.did];
};

for (const text of JSON.parse(readFileSync(0, "utf8"))) {
  const rich = new RichText({ text });
  rich.detectFacetsWithoutResolution();
  let end = 0;
  const facets = (rich.facets ?? []).map(facet).filter((one) => one[1] >= end && (end = one[2]) >= 0);
  console.log(JSON.stringify({ graphemes: rich.graphemeLength, facets }));
}
