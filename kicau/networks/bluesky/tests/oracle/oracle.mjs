// Bluesky's official library: reads JSON lists of texts, a line each, writes for each text its graphemes and the facets that its apps
// send (kind, byte offsets, target). Of two that overlap an app shows the first.
import { createInterface } from "node:readline";
import { RichText } from "@atproto/api";

const facet = ({ index, features: [one] }) => {
  const kind = one.$type.split("#")[1];
  return [kind, index.byteStart, index.byteEnd, one.uri ?? one.tag ?? one.did];
};

for await (const line of createInterface({ input: process.stdin })) {
  for (const text of JSON.parse(line)) {
    const rich = new RichText({ text });
    rich.detectFacetsWithoutResolution();
    let end = 0;
    const facets = (rich.facets ?? []).map(facet).filter((one) => one[1] >= end && (end = one[2]) >= 0);
    console.log(JSON.stringify({ graphemes: rich.graphemeLength, facets }));
  }
}
