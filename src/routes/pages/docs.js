"use strict";

const $ = (id) => document.getElementById(id);
const form = $("sign-in");

// Swagger UI has two faces, and leaves it to the page which one to show.
const darkness = matchMedia("(prefers-color-scheme: dark)");
const dress = () => document.documentElement.classList.toggle("dark-mode", darkness.matches);
darkness.addEventListener("change", dress);
dress();

const ui = SwaggerUIBundle({
    url: new URL("api/openapi.json", document.baseURI).href,
    dom_id: "#api",
    deepLinking: true,
    displayRequestDuration: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    tryItOutEnabled: true,
    validatorUrl: null,
    supportedSubmitMethods: ["get", "post", "patch", "delete"],
});

async function call(path, body, token) {
    const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) };
    const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body), credentials: "omit" });
    const content = answer.status === 204 ? {} : await answer.json();
    if (!answer.ok) throw Object.assign(new Error(content.message), { status: answer.status });
    return content;
}

const EARLY_S = 60; // before a token ends, the next one is fetched
const AGAIN_S = 10; // where it could not be
let session = null;
let renewal = null;

function keep(tokens) {
    session = tokens;
    ui.preauthorizeApiKey("bearer", tokens.access_token);
    renewIn(Math.max(1, tokens.expires_in - EARLY_S));
}

function renewIn(seconds) {
    clearTimeout(renewal);
    renewal = setTimeout(() => attempt(renew), seconds * 1000);
}

function forget() {
    clearTimeout(renewal);
    session = null;
    ui.authActions.logout(["bearer"]);
    show(null);
}

function show(email) {
    form.hidden = Boolean(email);
    $("signed-in").hidden = !email;
    $("who").textContent = email ?? "";
}

function complain(text) {
    $("problem").textContent = text;
    $("problem").hidden = !text;
}

async function attempt(what) {
    complain("");
    try {
        await what();
    } catch (error) {
        complain(error instanceof TypeError ? "The server cannot be reached right now." : error.message);
    }
}

async function signIn() {
    const content = await call("api/auth/login", Object.fromEntries(new FormData(form)));
    keep(content);
    form.reset();
    show(content.user.email);
}

async function renew() {
    const spent = session;
    const isMine = () => session === spent; // and nobody signed out meanwhile
    try {
        const tokens = await call("api/auth/refresh", { refresh_token: spent.refresh_token });
        if (isMine()) keep(tokens);
    } catch (error) {
        if (isMine() && error.status === 401) forget();
        else if (isMine()) renewIn(AGAIN_S);
        throw error;
    }
}

async function signOut() {
    const spent = session.access_token;
    forget();
    await call("api/auth/logout", {}, spent);
}

form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(signIn);
});
$("sign-out").addEventListener("click", () => attempt(signOut));
