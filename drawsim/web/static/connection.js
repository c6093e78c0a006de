// Talking to the server: tokens against forged requests, and what can go wrong, by name.

const meta = (name, page = document) => page.querySelector(`meta[name="${name}"]`)?.content ?? "";
const PATIENCE = 30_000; // milliseconds until a silent server counts as out of reach
const LONGEST_PAUSE = 15; // seconds between two tries
const KINDS = { 400: "refused", 404: "missing", 413: "refused", 422: "refused" }; // by status

export const user = meta("user");
let csrf = meta("csrf");

/** What went wrong. `kind`:
 *  "offline"  nobody answered            "login"   the session has ended
 *  "other"    somebody else is logged in in this browser now
 *  "server"   the server has a problem of its own; asking again may help
 *  "missing"  there is no such thing, or the server is not the one it was
 *  "refused"  the request is wrong. Asking again does not help. The message is the server's. */
export class Failure extends Error {
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }

  /** Whether the same request may be answered later. */
  get passing() {
    return this.kind !== "refused" && this.kind !== "missing";
  }
}

/** The answer to a request as JSON: GET without a body, else POST with JSON or a FormData. */
export async function api(path, body) {
  const answer = await authorised(path, body);
  if (answer.ok) return answer.json();
  throw await failureOf(answer);
}

/** Ask until the server answers; `waiting` is told of each failure meanwhile. */
export async function persistently(path, body, waiting) {
  for (let pause = 1; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    try {
      return await api(path, body);
    } catch (failure) {
      if (!(failure instanceof Failure) || !failure.passing) throw failure;
      waiting(failure);
      await new Promise((resolve) => setTimeout(resolve, 1000 * pause));
    }
  }
}

/** The picture at an address as a Blob. Throws Failure with the server's reason where there is none. */
export async function blob(path) {
  const answer = await authorised(path);
  if (answer.ok) return answer.blob();
  throw await failureOf(answer);
}

async function authorised(path, body) {
  const answer = await request(path, body);
  if (answer.status !== 401 && answer.status !== 403) return answer;
  // Somebody logged in again, in another tab: this page's token is of the session before.
  await renewToken();
  return request(path, body);
}

async function request(path, body) {
  const options = { signal: AbortSignal.timeout(PATIENCE), headers: { "X-CSRF-Token": csrf } };
  if (body !== undefined) {
    options.method = "POST";
    options.body = body instanceof FormData ? body : JSON.stringify(body);
    if (!(body instanceof FormData)) options.headers["Content-Type"] = "application/json";
  }
  try {
    return await fetch(path, options);
  } catch {
    throw new Failure("offline", "the server cannot be reached");
  }
}

async function renewToken() {
  let page;
  try {
    const answer = await fetch("/find", { signal: AbortSignal.timeout(PATIENCE) });
    page = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    throw new Failure("offline", "the server cannot be reached");
  }
  const now = meta("user", page);
  if (!now) throw new Failure("login", "you are logged out");
  // What one person decided is never sent under the name of another.
  if (now !== user) throw new Failure("other", `${now} is logged in now`);
  csrf = meta("csrf", page);
}

async function failureOf(answer) {
  const { error } = await answer.json().catch(() => ({}));
  return new Failure(KINDS[answer.status] ?? "server", error ?? `the server answers ${answer.status}`);
}

/** A new name for an event. Browsers give randomUUID to https and localhost only. */
export function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0")).join("");
}
