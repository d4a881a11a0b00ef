// X's official library: reads JSON lists of texts, a line each, writes for each text the weight by the emoji list that the library was
// released with, the weight by the last list that its makers published, and where its entities are (UTF-16 units).
// The library's letters are those of Unicode 7; "modern" is where entities are if later letters count as letters, too.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(import.meta.url);
const library = require("twitter-text");
const emoji = require("twemoji-parser");
const released = emoji.parse;
const newest = require("twemoji-parser-14").parse;

const weight = (text, parse) => {
  emoji.parse = parse; // the library looks it up at each call
  return library.parseTweet(text).weightedLength;
};
const kind = (one) => (one.url ? "link" : one.hashtag ? "tag" : one.cashtag ? "cashtag" : "mention");

const entities = (text) => library.extractEntitiesWithIndices(text).map((one) => [kind(one), ...one.indices]);
const known = new RegExp(`^${library.regexen.hashtagAlphaNumeric.source}$`);
const wide = { true: ["\u{20bb7}", "\u{11173}", "\u{1d7cf}"], false: ["\u6f22", "\u0301", "1"] }; // a letter, a mark, a digit
const older = (one) => (known.test(one) ? one : wide[one.length > 1][/\p{L}/u.test(one) ? 0 : /\p{M}/u.test(one) ? 1 : 2]);

for await (const line of createInterface({ input: process.stdin })) {
  for (const text of JSON.parse(line)) {
    console.log(
      JSON.stringify({
        released: weight(text, released),
        newest: weight(text, newest),
        entities: entities(text),
        modern: entities(text.replace(/[\p{L}\p{M}\p{Nd}]/gu, older)),
      }),
    );
  }
}
