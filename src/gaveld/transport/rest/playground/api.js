// Talks to the REST API that the page came from. The key is kept in memory and goes nowhere else.

const ROOT = new URL("../", import.meta.url);

let key = "";
let ahead = 0;

export const setKey = (value) => { key = value.trim(); };
export const hasKey = () => key !== "";

/** Return the server's time in milliseconds, to a second, as its last answer told it. */
export const serverNow = () => Date.now() + ahead;

/** A failure as the server told it: `status` is the google.rpc.Status, `http` the HTTP status. */
export class CallError extends Error {
  constructor(status, http = 0, retryAfter = "") {
    super(status.message || "The call failed.");
    this.status = status;
    this.http = http;
    this.retryAfter = retryAfter;
  }

  detail(name) {
    return (this.status.details ?? []).find((entry) => entry["@type"]?.endsWith(`google.rpc.${name}`)) ?? {};
  }

  get reason() { return this.detail("ErrorInfo").reason ?? ""; }

  get violations() { return (this.detail("BadRequest").fieldViolations ?? []).map((entry) => ({ field: "", description: "", ...entry })); }
}

/** Make a call; return the answer's JSON. Throws CallError, and AbortError when `signal` fires. */
export async function call(method, path, body, signal) {
  const headers = { accept: "application/json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (key) headers.authorization = `Bearer ${key}`;
  let answer;
  let text;
  try {
    answer = await fetch(new URL(path.slice(1), ROOT), {
      method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "omit", cache: "no-store",
    });
    text = await answer.text();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    if (error instanceof TypeError) throw new CallError({ message: "The server can't be reached, or the key holds characters that no header can." });
    throw error;
  }
  ahead = (Date.parse(answer.headers.get("date") ?? "") || Date.now()) - Date.now();
  const failed = (status) => new CallError(status, answer.status, answer.headers.get("retry-after") ?? "");
  let json;
  try {
    json = JSON.parse(text);
  } catch {
    throw failed({ message: `The answer is no JSON: ${text.slice(0, 200)}` });
  }
  if (!answer.ok) throw failed(json);
  return camelCased(json);
}

/**
 * Open a WebSocket; return it once it is open, with its key offered as the gateway wants it.
 * Throws CallError.
 */
export function open(path) {
  const url = new URL(path.slice(1), ROOT);
  url.protocol = url.protocol.replace("http", "ws");
  return new Promise((resolve, reject) => {
    let socket;
    try {
      socket = new WebSocket(url, key ? ["gavel.v1", `gavel.key.${key}`] : ["gavel.v1"]);
    } catch {
      reject(new CallError({ message: "The key holds characters that no WebSocket can carry." }));
      return;
    }
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", () => resolve(socket), { once: true });
    socket.addEventListener("error", () => reject(new CallError({ message: "The WebSocket was refused." })), { once: true });
  });
}

/**
 * Return JSON with lowerCamelCase names, as the server writes them unless it was told otherwise.
 * The names of fields and all of metadata are callers' own, and stay as they are.
 */
export function camelCased(value) {
  if (Array.isArray(value)) return value.map(camelCased);
  if (value === null || typeof value !== "object") return value;
  const named = ([name, entry]) => [name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase()), renamed(name, entry)];
  return Object.fromEntries(Object.entries(value).map(named));
}

function renamed(name, entry) {
  if (name === "metadata") return entry;
  if (name !== "fields" || entry === null || typeof entry !== "object" || Array.isArray(entry)) return camelCased(entry);
  return Object.fromEntries(Object.entries(entry).map(([own, field]) => [own, camelCased(field)]));
}
