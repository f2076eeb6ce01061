/** What has to compile, and what must not: read by tsc alone. */
import { createInkwell, unwrap, type Code, type List, type Row, type Schemas } from "inkwell-client";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const holds = <_ extends true>() => {};

holds<Same<List, "/api/posts" | "/api/users" | "/api/users/{user_id}/posts" | "/api/audit">>();
holds<Same<Row<"/api/audit">, Schemas["AuditEvent"]>>();
// @ts-expect-error: a code is one of those in the document
export const code: Code = "email_token";

export async function calls(inkwell: ReturnType<typeof createInkwell>): Promise<void> {
  const { data, error } = await inkwell.POST("/api/posts", { body: { title: "t", content: "c" } });
  if (error) {
    holds<Same<typeof error.code & "email_taken", never>>();
    // @ts-expect-error: not one of this call's codes
    if (error.code === "email_taken") return;
    if (error.code === "idempotency_key_reused") return;
  } else holds<Same<typeof data.post, Schemas["Post"]>>();

  const profile = await unwrap(inkwell.GET("/api/auth/profile"));
  holds<Same<typeof profile, Schemas["OneAccount"]>>();
  // @ts-expect-error: no such field in an answer
  profile.user.emial;
  const gone = await unwrap(inkwell.POST("/api/auth/logout"));
  holds<Same<typeof gone, undefined>>();
  // @ts-expect-error: a field is missing
  await inkwell.POST("/api/posts", { body: { title: "t" } });
  // @ts-expect-error: no such field in a body
  await inkwell.POST("/api/posts", { body: { title: "t", content: "c", tag: "x" } });
  // @ts-expect-error: wrong type
  await inkwell.POST("/api/posts", { body: { title: "t", content: 1 } });
  // @ts-expect-error: no such parameter
  await inkwell.GET("/api/posts", { params: { query: { auther: "x" } } });
  // @ts-expect-error: no such order
  await inkwell.GET("/api/posts", { params: { query: { sort: "size" } } });
  // @ts-expect-error: no such path
  await inkwell.GET("/api/post");
  // @ts-expect-error: the id is missing
  await inkwell.GET("/api/posts/{post_id}");
  // @ts-expect-error: not a list
  inkwell.rows("/api/auth/profile");
  // @ts-expect-error: no such filter
  inkwell.rows("/api/users", { params: { query: { author: "x" } } });
  // @ts-expect-error: no id
  inkwell.rows("/api/users/{user_id}/posts");
}
