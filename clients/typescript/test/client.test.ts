import assert from "node:assert/strict";
import { test } from "node:test";
import { ifMatch, InkwellError, unwrap } from "inkwell-client";
import { baseUrl, lost, Tab } from "./support.js";

const REFRESH = "/api/auth/refresh";
const PROFILE = "/api/auth/profile";

/** Somebody who is signed in. */
async function signedIn(): Promise<Tab> {
  const tab = new Tab();
  await tab.enter();
  return tab;
}

function write(tab: Tab, title = "Notes") {
  return unwrap(tab.inkwell.POST("/api/posts", { body: { title, content: "On engines." } }));
}

test("somebody signs up, in and out", async () => {
  const tab = new Tab();
  const email = await tab.enter();
  const { user } = await unwrap(tab.inkwell.GET(PROFILE));
  assert.deepEqual([user.email, user.id], [email, tab.inkwell.userId()]);
  assert.equal((await tab.inkwell.signOut()).response.status, 204);
  assert.equal(tab.inkwell.userId(), undefined);
  const { error } = await tab.inkwell.GET(PROFILE);
  assert.equal(error?.code, "token_missing");
  assert.deepEqual(tab.over, []); // who signs out knows it
});

test("failures say what went wrong, as values and as exceptions", async () => {
  const { inkwell } = await signedIn();
  const { error } = await inkwell.signIn({ email: "nobody@example.com", password: "a wrong password" });
  assert.equal(error?.code, "invalid_credentials");
  const refused = unwrap(inkwell.POST("/api/posts", { body: { title: "", content: "x" } }));
  await assert.rejects(refused, (thrown: InkwellError) => {
    assert.equal(thrown.code, "invalid_fields");
    assert.equal(thrown.problem?.details?.[0]?.field, "title");
    return thrown instanceof InkwellError;
  });
});

test("a list is walked through to its end, with its filters", async () => {
  const tab = await signedIn();
  const titles = Array.from({ length: 7 }, (_, number) => `Note ${number}`);
  for (const title of titles) await write(tab, title);
  tab.sent.length = 0;
  const found: string[] = [];
  const query = { mine: true, sort: "created_at", limit: 3 } as const;
  for await (const post of tab.inkwell.rows("/api/posts", { params: { query } })) found.push(post.title);
  assert.deepEqual(found, titles);
  assert.equal(tab.count("/api/posts"), 3);
  const last = tab.inkwell.rows("/api/posts", { params: { query: { ...query, page: 3 } } });
  assert.equal((await last.next()).value?.title, "Note 0");
  await assert.rejects(tab.inkwell.rows("/api/audit").next(), { code: "admin_required" });
});

test("who was slower learns of it when changing what somebody else has changed", async () => {
  const { inkwell } = await signedIn();
  const made = await inkwell.POST("/api/posts", { body: { title: "Draft", content: "x" } });
  const path = { post_id: made.data!.post.id };
  const change = (title: string) =>
    inkwell.PATCH("/api/posts/{post_id}", {
      params: { path, header: ifMatch(made.response) },
      body: { title },
    });
  assert.equal((await change("First")).data?.post.title, "First");
  assert.equal((await change("Second")).error?.code, "precondition_failed");
});

test("ten calls that meet an expired token renew it once, and all succeed, bodies included", async () => {
  const tab = await signedIn();
  tab.shelf.expire();
  const made = await Promise.all(Array.from({ length: 10 }, (_, number) => write(tab, `Note ${number}`)));
  assert.deepEqual(
    made.map(({ post }) => post.title),
    Array.from({ length: 10 }, (_, number) => `Note ${number}`),
  );
  assert.equal(tab.count(REFRESH), 1);
  assert.deepEqual(tab.over, []);
});

test("two tabs with one storage renew what has expired without signing anybody out", async () => {
  const first = await signedIn();
  const second = new Tab(first.shelf);
  first.shelf.expire();
  await Promise.all([first, second].map(({ inkwell }) => unwrap(inkwell.GET(PROFILE))));
  await unwrap(second.inkwell.GET(PROFILE));
  assert.deepEqual([...first.over, ...second.over], []);
});

test("a renewal whose answer got lost is asked for again before it is too late", async () => {
  const tab = await signedIn();
  tab.shelf.expire();
  tab.next(REFRESH, lost);
  await unwrap(tab.inkwell.GET(PROFILE));
  assert.equal(tab.count(REFRESH), 2);
});

test("nobody is signed out because the server, or a proxy, does not renew right now", async () => {
  const tab = await signedIn();
  tab.shelf.expire();
  tab.next(REFRESH, () => Response.json({ code: "unavailable" }, { status: 503 }));
  const calls = await Promise.all([1, 2].map(() => tab.inkwell.GET(PROFILE)));
  assert.deepEqual(calls.map(({ error }) => error?.code), ["unavailable", "unavailable"]);
  tab.next(REFRESH, () => new Response("<p>Who are you?", { status: 401 }));
  await assert.rejects(unwrap(tab.inkwell.GET(PROFILE)), { code: undefined, message: "HTTP 401" });
  await unwrap(tab.inkwell.GET(PROFILE));
  assert.deepEqual(tab.over, []);
});

test("a call waits for its new token no longer than its caller allows", async () => {
  const tab = await signedIn();
  tab.shelf.expire();
  tab.next(REFRESH, (answer) => new Promise((resolve) => setTimeout(() => resolve(answer), 1000)));
  await assert.rejects(tab.inkwell.GET(PROFILE, { signal: AbortSignal.timeout(200) }), { name: "TimeoutError" });
  assert.deepEqual(tab.over, []);
});

test("who signs in while another is leaving stays", async () => {
  const tab = await signedIn();
  let other: string | undefined;
  tab.next("/api/auth/logout", async (answer) => {
    await tab.enter();
    other = tab.inkwell.userId();
    return answer;
  });
  await tab.inkwell.signOut();
  assert.ok(other);
  assert.equal(tab.inkwell.userId(), other);
});

test("a call that waits for its new token is not sent as somebody else who signs in meanwhile", async () => {
  const tab = await signedIn();
  tab.shelf.expire();
  tab.next(REFRESH, async (answer) => {
    await tab.enter();
    return answer;
  });
  const { error } = await tab.inkwell.POST("/api/posts", { body: { title: "Mine", content: "x" } });
  assert.equal(error?.code, "token_expired");
  assert.deepEqual((await unwrap(tab.inkwell.GET("/api/posts", { params: { query: { mine: true } } }))).data, []);
});

test("a creation whose answer got lost is sent again, and carried out once", async () => {
  const tab = await signedIn();
  tab.next("/api/posts", lost);
  await write(tab);
  const keys = tab.sent.map(({ headers }) => headers.get("Idempotency-Key")).filter(Boolean);
  assert.equal(keys.length, 2);
  assert.equal(new Set(keys).size, 1);
  const { pagination } = await unwrap(tab.inkwell.GET("/api/posts", { params: { query: { mine: true } } }));
  assert.equal(pagination.total, 1);
});

test("a change whose answer got lost is not sent again", async () => {
  const tab = await signedIn();
  const { post } = await write(tab);
  tab.next(`/api/posts/${post.id}`, lost);
  const path = { post_id: post.id };
  const changed = tab.inkwell.PATCH("/api/posts/{post_id}", { params: { path }, body: { published: true } });
  await assert.rejects(changed, TypeError);
  assert.equal(tab.count(`/api/posts/${post.id}`), 1);
});

test("the session is over when its refresh token was used by somebody else", async () => {
  const tab = await signedIn();
  const old = tab.shelf.tokens.refresh_token;
  const somebody = (refresh_token: string) => unwrap(tab.inkwell.POST(REFRESH, { body: { refresh_token } }));
  const next = await somebody(old);
  await somebody(next.refresh_token);
  tab.shelf.expire();
  const { error } = await tab.inkwell.GET(PROFILE);
  assert.equal(error?.code, "token_expired");
  assert.deepEqual(tab.over, ["refresh_reused"]);
  assert.equal(tab.inkwell.userId(), undefined);
});

test("the session is over when it was ended elsewhere", async () => {
  const tab = await signedIn();
  const elsewhere = new Tab();
  elsewhere.shelf.setItem(`inkwell ${baseUrl}`, JSON.stringify(tab.shelf.tokens));
  await elsewhere.inkwell.signOut("all");
  const { error } = await tab.inkwell.GET(PROFILE);
  assert.equal(error?.code, "session_ended");
  assert.deepEqual(tab.over, ["session_ended"]);
});
