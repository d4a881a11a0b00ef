// What Mastodon's server counts with, itself: Ruby (as WebAssembly). Reads JSON lists of texts, a line each, writes for each text how
// many grapheme clusters Ruby finds, how many Unicode's present rules do (Node's own), and where X's library, on which
// the server's expressions are built, finds addresses of t.co (UTF-16 units).
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { DefaultRubyVM } from "@ruby/wasm-wasi/dist/node";
import library from "twitter-text";

const program = new URL("node_modules/@ruby/3.4-wasm-wasi/dist/ruby.wasm", import.meta.url);
const { vm } = await DefaultRubyVM(await WebAssembly.compile(await readFile(program)));
// All texts at once, since each step into Ruby is slow; no text holds U+0000.
const counting = "lambda { |all| all.to_s.force_encoding('UTF-8').split(0.chr, -1).map { _1.grapheme_clusters.size }.join(' ') }";
const segments = new Intl.Segmenter("en", { granularity: "grapheme" });
const tco = /^https?:\/\/t\.co\/[a-z0-9]/i;

for await (const line of createInterface({ input: process.stdin })) {
  const texts = JSON.parse(line);
  const ruby = vm.eval(counting).call("call", vm.wrap(texts.join("\0"))).toString().split(" ").map(Number);
  for (const [n, text] of texts.entries()) {
    const links = library.extractUrlsWithIndices(text).filter((one) => tco.test(one.url));
    console.log(
      JSON.stringify({
        ruby: ruby[n],
        unicode: [...segments.segment(text)].length,
        tco: links.map((one) => one.indices),
      }),
    );
  }
}
