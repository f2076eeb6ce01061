import { createInkwell, ifMatch, unwrap, type Code, type Schemas } from "inkwell-client";

declare function show(words: string): void;
declare function showSignIn(why?: Code): void;

export const inkwell = createInkwell({
  baseUrl: "http://127.0.0.1:8000",
  storage: localStorage,
  onSignedOut: (why) => showSignIn(why),
});

export async function register(account: Schemas["NewAccount"]): Promise<void> {
  const { data, error } = await inkwell.POST("/api/auth/register", { body: account });
  if (data) show(`Welcome, ${data.user.email}`);
  else if (error.code === "email_taken") show("There is an account with this address already.");
  else if (error.code === "invalid_fields") error.details?.forEach(({ field, message }) => show(`${field}: ${message}`));
  else show(`${error.message} (${error.request_id})`);
}

// The function that TanStack Query and others ask for: it returns the data, and throws an InkwellError.
export const readPost = (post_id: string) =>
  unwrap(inkwell.GET("/api/posts/{post_id}", { params: { path: { post_id } } }));

export async function listDrafts(): Promise<string[]> {
  const titles: string[] = [];
  const query = { mine: true, published: false, limit: 100 };
  for await (const post of inkwell.rows("/api/posts", { params: { query } })) titles.push(post.title);
  return titles;
}

export async function rename(post_id: string, ask: (title: string) => Promise<string>): Promise<void> {
  const path = { post_id };
  const { data, response } = await inkwell.GET("/api/posts/{post_id}", { params: { path } });
  if (!data) return;
  const title = await ask(data.post.title);
  const header = ifMatch(response);
  const { error } = await inkwell.PATCH("/api/posts/{post_id}", { params: { path, header }, body: { title } });
  if (error?.code === "precondition_failed") show("Somebody else has changed it in the meantime.");
}
