/** The tokens of one user: kept, sent, renewed when they have expired, and forgotten when the session is over. */
import createClient, { type FetchResponse } from "openapi-fetch";
import { isProblem, type Code, type Problem } from "./failures.js";
import type { components, paths } from "./schema.js";

export interface Options {
  /** Where Inkwell is, such as `https://api.example.com`. */
  baseUrl: string;
  /** Where the tokens are kept, such as `localStorage`, which tabs share. Without it they are gone with the page. */
  storage?: Pick<Storage, "getItem" | "setItem" | "removeItem">;
  /** Told when the session is over without this client's `signOut()`: why, unless it ended in another tab. */
  onSignedOut?: (code?: Code) => void;
  /** Takes the place of the global fetch. */
  fetch?: (request: Request) => Promise<Response>;
}

export interface Session {
  /** Sends with the access token, and once more with a new one if it has expired. */
  fetch(request: Request): Promise<Response>;
  signIn(credentials: Schemas["Login"]): Promise<SignIn>;
  forget(): void;
  userId(): string | undefined;
}

type Schemas = components["schemas"];
type SignIn = FetchResponse<paths["/api/auth/login"]["post"], object, "application/json">;
type Tokens = Pick<Schemas["Tokens"], "access_token" | "refresh_token"> & { user_id: string };
type Failure = { error: Problem; response: Response };

const RENEWABLE = new Set<Code>(["token_expired", "token_invalid"]);
const OVER = new Set<Code>(["session_ended", "user_inactive"]);
/** Before a lost request is sent again. */
const PAUSE_MS = 500;
/** For a try to renew: two, and the pause, are over before the 10 seconds in which a used refresh token still works. */
const RENEWAL_MS = 4000;

export function openSession({ baseUrl, storage = inMemory(), onSignedOut, fetch = globalFetch }: Options): Session {
  const name = `inkwell ${baseUrl}`;
  const kept = (): Tokens | null => JSON.parse(storage.getItem(name) ?? "null"); // each time: tabs share them
  const keep = (tokens: Tokens) => storage.setItem(name, JSON.stringify(tokens));
  const areKept = (tokens: Tokens) => kept()?.refresh_token === tokens.refresh_token;
  const forget = () => storage.removeItem(name);

  if (onSignedOut)
    globalThis.addEventListener?.("storage", ({ key, newValue }) => {
      const isGone = (key ?? name) === name && newValue === null; // no key: everything was cleared
      if (isGone && kept() === null) onSignedOut(); // and it was this storage
    });

  function end(used: Tokens, code: Code): undefined {
    if (!areKept(used)) return;
    forget();
    onSignedOut?.(code);
  }

  async function persist(request: Request, prepare = (copy: Request) => copy): Promise<Response> {
    try {
      return await fetch(prepare(request.clone()));
    } catch (lost) {
      if (request.signal.aborted) throw lost;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      return fetch(prepare(request));
    }
  }

  const anonymous = createClient<paths>({ baseUrl, fetch: (request) => persist(request) });

  async function signIn(body: Schemas["Login"]) {
    const answer = await anonymous.POST("/api/auth/login", { body });
    if (answer.data) {
      const { access_token, refresh_token, user } = answer.data;
      keep({ access_token, refresh_token, user_id: user.id });
    }
    return answer;
  }

  /** Returns a failure that leaves the session alive, such as `unavailable`. */
  async function renew(used: Tokens): Promise<Failure | undefined> {
    if (!areKept(used)) return undefined; // another tab was faster
    const body = { refresh_token: used.refresh_token };
    const soon = (request: Request) => persist(request, inTime);
    const { data, error, response } = await anonymous.POST("/api/auth/refresh", { body, fetch: soon });
    if (data) {
      const { access_token, refresh_token } = data;
      if (areKept(used)) keep({ ...used, access_token, refresh_token });
      return undefined;
    }
    if (response.status !== 401 || !isProblem(error)) return { error, response };
    return end(used, error.code);
  }

  let renewing: Promise<Failure | undefined> | undefined;
  const renewOnce = (used: Tokens) => (renewing ??= renew(used).finally(() => (renewing = undefined)));

  function send(request: Request, tokens: Tokens | null): Promise<Response> {
    const copy = request.clone();
    if (tokens) copy.headers.set("Authorization", `Bearer ${tokens.access_token}`);
    return isRepeatable(copy) ? persist(copy) : fetch(copy);
  }

  async function authorized(request: Request): Promise<Response> {
    const used = kept();
    const answer = await send(request, used);
    if (!used || answer.status !== 401) return answer;
    const code = await codeOf(answer);
    if (code && OVER.has(code)) end(used, code);
    if (!code || !RENEWABLE.has(code)) return answer;
    const failure = await unlessAborted(request.signal, renewOnce(used));
    if (failure) return new Response(JSON.stringify(failure.error), failure.response);
    const now = kept();
    return now?.user_id === used.user_id ? send(request, now) : answer;
  }

  return { fetch: authorized, signIn, forget, userId: () => kept()?.user_id };
}

const globalFetch = (request: Request) => globalThis.fetch(request);

function inTime(request: Request): Request {
  return new Request(request, { signal: AbortSignal.timeout(RENEWAL_MS) });
}

function unlessAborted<T>(signal: AbortSignal, waited: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    if (signal.aborted) reject(signal.reason);
    waited.then(resolve, reject);
  });
}

/** Whether it does no harm to carry it out twice. */
function isRepeatable({ method, headers }: Request): boolean {
  return method === "GET" || method === "HEAD" || headers.has("Idempotency-Key");
}

async function codeOf(answer: Response): Promise<Code | undefined> {
  const problem: unknown = await answer.clone().json().catch(() => undefined);
  return isProblem(problem) ? problem.code : undefined;
}

function inMemory(): NonNullable<Options["storage"]> {
  const kept = new Map<string, string>();
  return {
    getItem: (name) => kept.get(name) ?? null,
    setItem: (name, value) => void kept.set(name, value),
    removeItem: (name) => void kept.delete(name),
  };
}
