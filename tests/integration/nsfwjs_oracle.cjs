// Asks nsfwjs itself about frames, with the TensorFlow.js that its browser bundle brings along.
// Usage: node nsfwjs_oracle.cjs PACKAGE_FOLDER, with [{width, height, rgba}, …] on standard input
// (rgba in base64). Prints [{className: probability, …}, …].
"use strict";
const fs = require("fs");
const Module = require("module");
const path = require("path");

const dist = path.join(process.argv[2], "dist");

// The package calls itself a module for importers; its bundles are CommonJS all the same.
function bundle(name) {
  const file = path.join(dist, name);
  const loaded = new Module(file);
  loaded._compile(fs.readFileSync(file, "utf8"), file);
  return loaded.exports;
}

// As much of a browser as the bundle wants to see: one without a graphics card.
global.window = global;
global.document = { createElement: () => ({ getContext: () => null, addEventListener() {} }) };
console.log = console.info = console.warn = () => {};

const network = "models/mobilenet_v2_mid";
global.model = bundle(`${network}/model.min.js`);
global.group1_shard1of2 = bundle(`${network}/group1-shard1of2.min.js`);
global.group1_shard2of2 = bundle(`${network}/group1-shard2of2.min.js`);

(async () => {
  const nsfw = await bundle("browser/nsfwjs.min.js").load("MobileNetV2Mid");
  const answers = [];
  for (const { width, height, rgba } of JSON.parse(fs.readFileSync(0, "utf8"))) {
    const data = new Uint8Array(Buffer.from(rgba, "base64"));
    const classes = await nsfw.classify({ data, width, height }, 5);
    answers.push(Object.fromEntries(classes.map((c) => [c.className, c.probability])));
  }
  process.stdout.write(JSON.stringify(answers));
})();
