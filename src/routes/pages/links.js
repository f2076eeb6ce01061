"use strict";

// The token stands behind the #, which no server sees. It leaves the address bar, so that nobody reads it there or
// finds it in the history.
const token = new URLSearchParams(location.hash.slice(1)).get("token");
history.replaceState(null, "", location.pathname);

// The API tells programs; these are its words for people.
const WORDS = { string_too_short: "This password is too short.", string_too_long: "This password is too long." };

const form = document.querySelector("form");
const submit = form.querySelector("[type=submit]");
const problem = document.getElementById("problem");
const password = document.getElementById("password");
const show = form.querySelector("[aria-controls]");

function end(id) {
    form.hidden = true;
    const section = document.getElementById(id);
    section.hidden = false;
    section.focus();
}

function complain(text) {
    problem.textContent = text;
    problem.hidden = !text;
    password?.setAttribute("aria-invalid", String(Boolean(text)));
    if (text) password?.focus();
}

async function refuse(answer) {
    const error = await answer.json();
    if (error.code === "link_invalid") return end("dead");
    const details = (error.details ?? []).map((detail) => WORDS[detail.code] ?? detail.message);
    complain(details.join("\n") || error.message);
}

async function send() {
    const body = JSON.stringify({ token, ...Object.fromEntries(new FormData(form)) });
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(form.dataset.call, { method: "POST", headers, body, credentials: "omit" });
    return answer.ok ? end("done") : refuse(answer);
}

form.addEventListener("submit", async (event) => {
    event.preventDefault();
    complain("");
    submit.disabled = true;
    try {
        await send();
    } catch {
        complain("The server cannot be reached right now. Try again in a moment.");
    } finally {
        submit.disabled = false;
    }
});

show?.addEventListener("click", () => {
    const visible = password.type === "password";
    password.type = visible ? "text" : "password";
    show.textContent = visible ? "Hide" : "Show";
    show.setAttribute("aria-pressed", String(visible));
});

if (token) {
    form.hidden = false;
    password?.focus();
} else {
    end("dead");
}

// A second link that is opened in the same tab changes nothing but the fragment.
window.addEventListener("hashchange", () => location.reload());
