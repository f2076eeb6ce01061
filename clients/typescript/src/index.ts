/** A typed client of Inkwell: openapi-fetch with sign-in, creations that can be repeated, and walks through lists. */
import createClient, { type Client, type FetchOptions, type FetchResponse } from "openapi-fetch";
import { InkwellError } from "./failures.js";
import type { components, paths } from "./schema.js";
import { openSession, type Options } from "./session.js";

export { InkwellError, unwrap, type Code, type Problem } from "./failures.js";
export type { components, operations, paths } from "./schema.js";
export type { Options } from "./session.js";
export type Schemas = components["schemas"];

type Method = "get" | "post" | "patch" | "delete";
type At<M extends Method> = { [P in keyof paths]: paths[P] extends Record<M, object> ? P : never }[keyof paths];
type Operation<P extends keyof paths, M extends Method> = Extract<paths[P][M], object>;
type Init<P extends keyof paths, M extends Method> = FetchOptions<Operation<P, M>>;
type Rest<I> = object extends I ? [init?: I] : [init: I];
type Answer<O extends object> = FetchResponse<O, object, "application/json">;
/** A method of openapi-fetch, but a field or parameter that the document does not have does not compile. */
type Call<M extends Method> = <P extends At<M>>(path: P, ...init: Rest<Init<P, M>>) => Promise<Answer<Operation<P, M>>>;

type Body<P extends At<"get">> = NonNullable<Answer<Operation<P, "get">>["data"]>;
/** A list: it has rows, and can be walked through by cursor. */
export type List = { [P in At<"get">]: Body<P> extends { pagination: object } ? P : never }[At<"get">];
export type Row<P extends List> = Body<P> extends { data: (infer Found)[] } ? Found : never;

type Header<O> = O extends { parameters: { header?: infer Names } } ? keyof NonNullable<Names> : never;
type Creation = { [P in At<"post">]: "Idempotency-Key" extends Header<paths[P]["post"]> ? P : never }[At<"post">];
/** What understands an Idempotency-Key; a path too few or too many does not compile. */
const CREATIONS: Record<Creation, true> = { "/api/posts": true, "/api/users": true };

export interface Inkwell {
  GET: Call<"get">;
  POST: Call<"post">;
  PATCH: Call<"patch">;
  DELETE: Call<"delete">;
  /** The client of openapi-fetch beneath, for libraries that build upon it and for middleware. */
  client: Client<paths>;
  /** Opens a session, and keeps its tokens where all is well. */
  signIn(credentials: Schemas["Login"]): Promise<Answer<Operation<"/api/auth/login", "post">>>;
  /** Ends this session, or all of the user's. The tokens are forgotten even where the server cannot be reached. */
  signOut(scope?: "current" | "all"): Promise<Answer<Operation<"/api/auth/logout", "post">>>;
  /** Who is signed in here, as far as is known without asking. */
  userId(): string | undefined;
  /** Every row of a list, page after page; throws an InkwellError where one is refused. */
  rows<P extends List>(path: P, ...init: Rest<Init<P, "get">>): AsyncGenerator<Row<P>, void>;
}

export function createInkwell(options: Options): Inkwell {
  const session = openSession(options);
  const client = createClient<paths>({ baseUrl: options.baseUrl, fetch: session.fetch });
  client.use({
    onRequest({ request, schemaPath }) {
      const creates = request.method === "POST" && schemaPath in CREATIONS;
      if (creates && !request.headers.has("Idempotency-Key")) request.headers.set("Idempotency-Key", makeKey());
    },
  });

  async function signOut(scope: "current" | "all" = "current") {
    const leaving = session.userId();
    try {
      return await client.POST("/api/auth/logout", { body: { scope } });
    } finally {
      if (session.userId() === leaving) session.forget(); // and nobody else has signed in meanwhile
    }
  }

  async function* rows<P extends List>(path: P, ...[init]: Rest<Init<P, "get">>): AsyncGenerator<Row<P>, void> {
    const { params, ...rest } = (init ?? {}) as Init<"/api/posts", "get">; // one list's types stand for all
    const { page: _, ...filters } = params?.query ?? {}; // the first page leads to all others
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const query = { total: "none" as const, ...filters, ...(cursor && { cursor }) };
      const answer = await client.GET(path as "/api/posts", { ...rest, params: { ...params, query } });
      if (!answer.data) throw new InkwellError(answer.error, answer.response);
      yield* answer.data.data as Row<P>[];
      cursor = answer.data.pagination.next_cursor;
    }
  }

  const { GET, POST, PATCH, DELETE } = client as Pick<Inkwell, "GET" | "POST" | "PATCH" | "DELETE">;
  return { GET, POST, PATCH, DELETE, client, signIn: session.signIn, signOut, userId: session.userId, rows };
}

/** The header that makes a PATCH or DELETE depend on what was read: 412 if somebody else was faster. */
export function ifMatch(read: Response): { "If-Match": string } {
  const tag = read.headers.get("ETag");
  if (tag === null) throw new Error(`${read.url} has no ETag`);
  return { "If-Match": tag };
}

/** It has to be new among one user's, and may be guessable: randomUUID is not there without https. */
function makeKey(): string {
  return [Date.now(), Math.random(), Math.random()].map((part) => part.toString(36)).join("-");
}
