/** The server that runs for these tests, people who use it, and clients that are watched. */
import { createHmac, randomUUID } from "node:crypto";
import { createInkwell, unwrap, type Code, type Inkwell, type Options } from "inkwell-client";

export const baseUrl: string = process.env["INKWELL_URL"] ?? "";
const secret = process.env["JWT_SECRET_KEY"] ?? "";
const PASSWORD = "tea and engines";

interface Tokens {
  access_token: string;
  refresh_token: string;
}

/** As localStorage, with a way to see and to change the tokens in it. */
export class Shelf implements NonNullable<Options["storage"]> {
  private values = new Map<string, string>();
  getItem(name: string): string | null {
    return this.values.get(name) ?? null;
  }
  setItem(name: string, value: string): void {
    this.values.set(name, value);
  }
  removeItem(name: string): void {
    this.values.delete(name);
  }

  get tokens(): Tokens {
    return JSON.parse([...this.values.values()][0] ?? "null");
  }

  change(change: (tokens: Tokens) => Partial<Tokens>): void {
    for (const [name, value] of this.values)
      this.values.set(name, JSON.stringify({ ...JSON.parse(value), ...change(JSON.parse(value)) }));
  }

  /** Makes of the access token what it will be some time after now. */
  expire(): void {
    this.change(({ access_token }) => ({ access_token: expired(access_token) }));
  }
}

/** A client, what it sent and was told, and a network in which things happen to answers. */
export class Tab {
  readonly sent: Request[] = [];
  readonly over: (Code | undefined)[] = [];
  readonly inkwell: Inkwell;
  private readonly turns = new Map<string, (answer: Response) => Response | Promise<Response>>();

  constructor(readonly shelf: Shelf = new Shelf()) {
    this.inkwell = createInkwell({
      baseUrl,
      storage: shelf,
      onSignedOut: (code) => this.over.push(code),
      fetch: (request) => this.fetch(request),
    });
  }

  /** Signs up somebody new, and in. */
  async enter(): Promise<string> {
    const email = `${randomUUID()}@example.com`;
    await unwrap(this.inkwell.POST("/api/auth/register", { body: { email, password: PASSWORD, first_name: "Ada" } }));
    await unwrap(this.inkwell.signIn({ email, password: PASSWORD }));
    return email;
  }

  /** How often a path was asked for. */
  count(path: string): number {
    return this.sent.filter((request) => pathOf(request) === path).length;
  }

  /** What happens to the next answer from a path on its way. */
  next(path: string, turn: (answer: Response) => Response | Promise<Response>): void {
    this.turns.set(path, turn);
  }

  private async fetch(request: Request): Promise<Response> {
    this.sent.push(request.clone());
    const answer = await fetch(request);
    const turn = this.turns.get(pathOf(request));
    this.turns.delete(pathOf(request));
    return turn ? turn(answer) : answer;
  }
}

export function lost(): never {
  throw new TypeError("the answer got lost");
}

function pathOf({ url }: Request): string {
  return new URL(url).pathname;
}

/** The same token, signed by the server's key, an hour after it ran out. */
function expired(token: string): string {
  const [head = "", body = ""] = token.split(".");
  const claims = JSON.parse(Buffer.from(body, "base64url").toString());
  const past = { ...claims, iat: claims.iat - 7200, exp: claims.iat - 3600 };
  const signed = `${head}.${Buffer.from(JSON.stringify(past)).toString("base64url")}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}
