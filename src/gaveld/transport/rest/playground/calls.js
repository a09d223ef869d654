// Turns what was filled in into calls of the contract, and makes them.

import { call } from "./api.js";
import { converse, send } from "./streams.js";

/** Bytes that a message holds at most of a file; a larger video goes by stream. */
export const INLINE_BYTES = 4_000_000;

const CALLS = {
  ModerateText: ["ModerationService", "moderation_service", "/v1/text:moderate"],
  ModerateImage: ["ModerationService", "moderation_service", "/v1/images:moderate"],
  ReviewText: ["ComplianceService", "compliance_service", "/v1/compliance/text:review"],
  ReviewImage: ["ComplianceService", "compliance_service", "/v1/compliance/image:review"],
  ReviewVideo: ["ComplianceService", "compliance_service", "/v1/compliance/video:review"],
  ReviewConversation: ["ComplianceService", "compliance_service", "/v1/compliance/conversation:review"],
  StreamVideo: ["ComplianceService", "compliance_service", "/v1/compliance/video:stream"],
  StreamConversation: ["ComplianceService", "compliance_service", "/v1/compliance/conversation:stream"],
};

function made(rpc, message, media) {
  const [service, module, path] = CALLS[rpc];
  return { rpc, service, module, path, message, media, streams: rpc.startsWith("Stream") };
}

/**
 * Return the calls that judge an input under overrides, each as
 * {rpc, service, module, path, message, media: {field, file}, streams}. `panel` holds the reviewers'
 * options, null where they are not asked.
 */
export function callsFor(input, overrides, panel) {
  return { text: forText, picture: forPicture, video: forVideo, conversation: forConversation }[input.kind](input, overrides, panel);
}

function forText({ text, context }, overrides, panel) {
  const calls = [made("ModerateText", { text, ...described(context), ...overriding(overrides), explain: true })];
  if (panel) calls.push(made("ReviewText", { content: text, ...reviewing(context, panel) }));
  return calls;
}

function forPicture({ file, uri, context }, overrides, panel) {
  const of = (rpc, field, rest) =>
    file ? made(rpc, rest, { field, file }) : made(rpc, { [field]: { uri }, ...rest });
  const calls = [of("ModerateImage", "media", { ...described(context), ...overriding(overrides), explain: true })];
  if (panel) calls.push(of("ReviewImage", "content", reviewing(context, panel)));
  return calls;
}

function forVideo({ file, uri, context }, overrides, panel) {
  const options = reviewing(context, panel ?? {});
  if (!file) return [made("ReviewVideo", { content: { uri }, ...options })];
  if (file.size <= INLINE_BYTES && !overrides) return [made("ReviewVideo", options, { field: "content", file })];
  const opening = { input: "VIDEO_INPUT_FILE", ...options, ...overriding(overrides), totalBytes: String(file.size) };
  return [made("StreamVideo", { options: opening }, { field: "chunk", file })];
}

function forConversation({ turns, context }, overrides, panel) {
  const options = reviewing(context, panel ?? {});
  if (!overrides) return [made("ReviewConversation", { content: turns, ...options })];
  const opening = { kind: "STREAM_KIND_CONVERSATION", ...options, ...overriding(overrides) };
  return [{ ...made("StreamConversation", { options: opening }), turns }];
}

const described = (context) => (context ? { context: { description: context } } : {});
const overriding = (overrides) => (overrides ? { policyOverrides: overrides } : {});
const reviewing = (context, panel) => ({ ...panel, ...(context ? { context } : {}), verbose: 2 });

/** Make a call; return {answer, elapsed}, in seconds. Throws CallError. */
export async function make(planned, signal, onProgress) {
  const began = performance.now();
  const answer = await answered(planned, signal, onProgress);
  return { answer, elapsed: (performance.now() - began) / 1000 };
}

async function answered(planned, signal, onProgress) {
  const { rpc, path, message, media, turns } = planned;
  if (rpc === "StreamVideo") return send(path, message, media.file, signal, onProgress);
  if (rpc === "StreamConversation") return converse(path, message, turns, signal, onProgress);
  const body = media ? { [media.field]: { data: await base64(media.file) }, ...message } : message;
  return call("POST", path, body, signal);
}

function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result.slice(reader.result.indexOf(",") + 1)));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(file);
  });
}
