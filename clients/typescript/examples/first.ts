import { createInkwell, unwrap } from "inkwell-client";

const inkwell = createInkwell({ baseUrl: "http://127.0.0.1:8000" });
const ada = { email: "ada@example.com", password: "tea and engines" };
const { error } = await inkwell.POST("/api/auth/register", { body: ada });
if (error && error.code !== "email_taken") throw new Error(error.message);
await unwrap(inkwell.signIn(ada));
const notes = { title: "Notes", content: "On engines.", published: true };
const { post } = await unwrap(inkwell.POST("/api/posts", { body: notes }));
console.log("published", post.id, post.published_at);
for await (const { title } of inkwell.rows("/api/posts")) console.log(title);
await inkwell.signOut();
