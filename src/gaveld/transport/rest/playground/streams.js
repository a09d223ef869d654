// Judges over WebSockets: a video in pieces, with progress, and a conversation turn by turn.

import { CallError, camelCased, open } from "./api.js";

const PIECE_BYTES = 256 << 10;
const MOST_BUFFERED_BYTES = 1 << 20;
const LOOK_AGAIN_MILLISECONDS = 20;

/** Send a video; return {summary, findings}. `onProgress` gets VideoProgress. Throws CallError. */
export async function send(path, opening, file, signal, onProgress) {
  const findings = [];
  let summary;
  await exchange(path, signal, {
    async say(socket) {
      socket.send(JSON.stringify(opening));
      for (let start = 0; start < file.size && isOpen(socket); start += PIECE_BYTES) {
        socket.send(await file.slice(start, start + PIECE_BYTES).arrayBuffer());
        onProgress?.({ sentBytes: Math.min(start + PIECE_BYTES, file.size), totalBytes: file.size });
        while (socket.bufferedAmount > MOST_BUFFERED_BYTES && isOpen(socket)) await pause();
      }
    },
    hear({ progress, finding, final }) {
      if (progress) onProgress?.({ ...progress, totalBytes: file.size });
      if (finding) findings.push(finding);
      if (final) summary = final;
    },
  });
  return { ...summary, review: { findings, ...summary?.review } };
}

/** Have turns reviewed one after the other; return {review, turns, errors, escalations}. */
export async function converse(path, opening, turns, signal, onProgress) {
  const answer = { turns: {}, errors: {} };
  const findings = [];
  await exchange(path, signal, {
    say(socket) {
      socket.send(JSON.stringify(opening));
      for (const turn of turns) socket.send(JSON.stringify({ turn }));
    },
    hear({ turnReview, turnError, final }) {
      if (turnReview) {
        answer.turns[turnReview.turnId] = turnReview;
        for (const finding of turnReview.turn?.findings ?? []) findings.push({ ...finding, turnId: turnReview.turnId });
      }
      if (turnError) answer.errors[turnError.turnId] = turnError.error;
      if (final) Object.assign(answer, final);
      const judged = Object.keys(answer.turns).length + Object.keys(answer.errors).length;
      onProgress?.({ judgedTurns: judged, totalTurns: turns.length });
    },
  });
  return { ...answer, review: { ...answer.review, findings } };
}

async function exchange(path, signal, { say, hear }) {
  signal?.throwIfAborted();
  const socket = await open(path);
  const stop = () => socket.close();
  signal?.addEventListener("abort", stop);
  try {
    const closed = new Promise((resolve, reject) => {
      let failure;
      socket.addEventListener("message", ({ data }) => {
        const event = camelCased(JSON.parse(data));
        if (event.error) failure = new CallError(event.error);
        else hear(event);
      });
      socket.addEventListener("close", ({ code, reason }) => {
        if (failure) reject(failure);
        else if (code === 1000) resolve();
        else reject(new CallError({ message: `The stream ended early: ${reason || `code ${code}`}.` }));
      });
    });
    closed.catch(() => {}); // told below; saying may still be at it
    await say(socket);
    if (isOpen(socket)) socket.send(""); // no more will come
    await closed;
    signal?.throwIfAborted();
  } finally {
    signal?.removeEventListener("abort", stop);
    socket.close();
  }
}

const isOpen = (socket) => socket.readyState === WebSocket.OPEN;
const pause = () => new Promise((resolve) => { setTimeout(resolve, LOOK_AGAIN_MILLISECONDS); });
