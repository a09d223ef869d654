// Writes a call down for the command line and for Python. A key is named there, never shown.

import { el, folded } from "./dom.js";
import { hasKey } from "./api.js";

const GRPC_ADDRESS = `${location.hostname || "127.0.0.1"}:50051`;

/** Return {curl, grpcurl, Python} of a call; a language that can't make it has a sentence instead. */
export function snippets(planned) {
  if (planned.streams) {
    const why = "# This call is a stream: neither tool sends one file in pieces. The Python beside it does.";
    return { curl: why, grpcurl: why, Python: planned.turns ? pythonConversation(planned) : pythonVideo(planned) };
  }
  return { curl: curl(planned), grpcurl: grpcurl(planned), Python: python(planned) };
}

function curl({ path, message, media }) {
  const url = new URL(`..${path}`, import.meta.url);
  const head = [`curl -s ${quoted(url.href)}`, "-H 'content-type: application/json'"];
  if (hasKey()) head.push('-H "authorization: Bearer $GAVEL_KEY"');
  return media
    ? `${head.join(" \\\n  ")} \\\n  --data-binary @- <<JSON\n${heredoc(message, media)}\nJSON`
    : `${head.join(" \\\n  ")} \\\n  -d ${quoted(pretty(message))}`;
}

function grpcurl({ service, rpc, message, media }) {
  const head = ["grpcurl -plaintext"];
  if (hasKey()) head.push('-H "authorization: Bearer $GAVEL_KEY"');
  const method = `${GRPC_ADDRESS} gavel.v1.${service}/${rpc}`;
  return media
    ? `${head.join(" \\\n  ")} \\\n  -d @ ${method} <<JSON\n${heredoc(message, media)}\nJSON`
    : `${head.join(" \\\n  ")} \\\n  -d ${quoted(pretty(message))} \\\n  ${method}`;
}

// Between <<JSON and JSON the shell reads $, ` and \, and puts the file in.
function heredoc(message, { field, file }) {
  const rest = pretty(message).replace(/[\\$`]/g, "\\$&");
  const data = `  "${field}": {"data": "$(base64 < ${quoted(file.name)} | tr -d '\\n')"}`;
  return rest === "{}" ? `{\n${data}\n}` : rest.replace("{", `{\n${data},`);
}

const pretty = (message) => JSON.stringify(message, null, 2);
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

// The messages of streams are declared in a file of their own.
function pythonHead({ module, streams }, ...more) {
  const declared = streams ? "compliance_stream" : module;
  return [
    ...more,
    "import grpc",
    "from gavel.service_config import channel_options",
    `from gavel.v1 import ${declared}_pb2 as messages`,
    `from gavel.v1 import ${module}_pb2_grpc as services`,
    "from google.protobuf.json_format import ParseDict",
    "",
  ];
}

function python(planned) {
  const { service, rpc, message, media } = planned;
  const lines = pythonHead(planned, ...imports(media));
  lines.push(`request = ParseDict(${literal(message)}, messages.${rpc}Request())`);
  if (media) lines.push(`request.${media.field}.data = Path(${literal(media.file.name)}).read_bytes()`);
  lines.push(...opened(), `    stub = services.${service}Stub(channel)`, `    print(stub.${rpc}(request, timeout=60${authorised()}))`);
  return lines.join("\n");
}

function pythonVideo(planned) {
  const { service, rpc, message, media } = planned;
  return [
    ...pythonHead(planned, ...imports(media)),
    "",
    "def requests():",
    `    yield ParseDict(${literal(message, 1)}, messages.${rpc}Request())`,
    `    with Path(${literal(media.file.name)}).open("rb") as file:`,
    "        while chunk := file.read(256 << 10):",
    `            yield messages.${rpc}Request(chunk=chunk)`,
    "",
    ...streamed(service, rpc),
  ].join("\n");
}

function pythonConversation(planned) {
  const { service, rpc, message, turns } = planned;
  return [
    ...pythonHead(planned, ...imports(null)),
    `said = ${literal([message, ...turns.map((turn) => ({ turn }))])}`,
    `requests = (ParseDict(entry, messages.${rpc}Request()) for entry in said)`,
    ...streamed(service, rpc).map((line) => line.replace("requests()", "requests")),
  ].join("\n");
}

function streamed(service, rpc) {
  return [
    ...opened(),
    `    stub = services.${service}Stub(channel)`,
    `    for answer in stub.${rpc}(requests()${authorised()}):`,
    "        print(answer)",
  ];
}

const opened = () => ["", `with grpc.insecure_channel("${GRPC_ADDRESS}", options=channel_options()) as channel:`];
const authorised = () => (hasKey() ? ', metadata=[("authorization", f"Bearer {os.environ[\'GAVEL_KEY\']}")]' : "");
const imports = (media) => {
  const lines = [...(hasKey() ? ["import os"] : []), ...(media ? ["from pathlib import Path"] : [])];
  return lines.length ? [...lines, ""] : [];
};

/** Return a value of JSON as Python writes it. */
export function literal(value, depth = 0) {
  const inner = "    ".repeat(depth + 1);
  const outer = "    ".repeat(depth);
  if (value === true) return "True";
  if (value === false) return "False";
  if (value === null || value === undefined) return "None";
  if (Array.isArray(value)) {
    return value.length ? `[\n${value.map((entry) => `${inner}${literal(entry, depth + 1)},\n`).join("")}${outer}]` : "[]";
  }
  if (typeof value === "object") {
    const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
    return entries.length ? `{\n${entries.map(([name, entry]) => `${inner}${JSON.stringify(name)}: ${literal(entry, depth + 1)},\n`).join("")}${outer}}` : "{}";
  }
  return JSON.stringify(value); // a string's escapes, surrogate pairs written out, are Python's too
}

/** Return the part that shows a call in all languages, each with a button that copies it. */
export function snippetPart(planned, prefix) {
  const blocks = Object.entries(snippets(planned)).map(([language, code], place) => {
    const id = `${prefix}-${planned.rpc}-${language}`;
    return el("details", { className: "code", name: `${prefix}-${planned.rpc}`, open: place === 0 },
      el("summary", {}, language),
      el("div", { className: "copying" }, copyButton(code, `${planned.rpc} as ${language}`)),
      el("pre", { id, tabIndex: 0, "aria-label": `${planned.rpc} as ${language}` }, el("code", {}, code)));
  });
  return folded(`The same call: ${planned.rpc}`, ...blocks,
    el("p", { className: "hint" }, "gRPC listens on port 50051 unless it was set otherwise. ",
      hasKey() ? "Your key is read from the variable GAVEL_KEY; it is not written here." : ""));
}

function copyButton(code, label) {
  const button = el("button", { type: "button", className: "quiet", "aria-label": `Copy ${label}` }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(code);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select it and copy: the browser keeps the clipboard to itself";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  return button;
}
