/** Failures as the API answers them. */
import type { components } from "./schema.js";

type Refusals = components["responses"];
/** Switch on its `code`; show its `message`, and its `request_id` to whoever asks for support. */
export type Problem = Refusals[keyof Refusals]["content"]["application/json"];
export type Code = NonNullable<Problem["code"]>;

/** A refused call; `problem` and `code` are missing where the answer is not Inkwell's but that of a proxy before it. */
export class InkwellError extends Error {
  readonly problem: Problem | undefined;
  readonly code: Code | undefined;

  constructor(
    error: unknown,
    readonly response: Response,
  ) {
    const problem = isProblem(error) ? error : undefined;
    super(problem?.message ?? `HTTP ${response.status}`);
    this.name = "InkwellError";
    this.problem = problem;
    this.code = problem?.code;
  }
}

export function isProblem(error: unknown): error is Problem {
  return typeof error === "object" && error !== null && "code" in error && "request_id" in error;
}

type Answer = { data?: unknown; error?: unknown; response: Response };
type Data<A> = A extends { data: infer Found; error?: undefined } ? Found : never;

/** The data of a call, for those who want failures thrown: `await unwrap(inkwell.GET(...))`. */
export async function unwrap<A extends Answer>(call: Promise<A>): Promise<Data<A>> {
  const { data, error, response } = await call;
  if (!response.ok) throw new InkwellError(error, response);
  return data as Data<A>;
}
