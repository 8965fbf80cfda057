/** Starts the console: signs in, then shows the view that the address names, and again whenever it changes. */

import * as api from "./api.js";
import { h, show } from "./dom.js";
import { listen } from "./keys.js";
import { announce, failure, loading } from "./parts.js";
import { go, read, to } from "./router.js";
import * as session from "./session.js";
import { isUtc, setUtc, zone } from "./time.js";
import { help } from "./view_help.js";
import { mail } from "./view_mail.js";
import { problems } from "./view_problems.js";
import { home, search } from "./view_search.js";
import { signIn } from "./view_sign_in.js";
import { summary } from "./view_summary.js";
import { suppression } from "./view_suppression.js";

/**
 * A view makes a page of the address's parameters. `title` is its name; what it returns is shown.
 * @typedef {{title: string, body: any, said?: string}} View
 * @type {Record<string, (parameters: Record<string, string>) => View | Promise<View>>}
 */
const VIEWS = { "": home, search, mail, problems, summary, suppression, help };
const MAIN = /** @type {HTMLElement} */ (document.getElementById("main"));
const BOX = /** @type {HTMLInputElement} */ (document.getElementById("q"));
let turn = 0;

async function render(isFirst = false) {
  const route = read(location.hash);
  if (!route) return;
  const mine = ++turn;
  mark(route);
  const slow = setTimeout(() => mine === turn && show(MAIN, loading()), 150);
  const view = await made(route);
  clearTimeout(slow);
  if (mine !== turn) return;
  show(MAIN, view.body);
  document.body.dataset.signed = String(session.isSignedIn());
  foot();
  MAIN.setAttribute("aria-busy", "false");
  document.title = view.title ? `${view.title} - Postroad` : "Postroad";
  announce(view.said ?? "");
  place(route, isFirst);
}

/** @returns {Promise<View>} */
async function made({ page, parameters }) {
  if (!session.isSignedIn() && page !== "help") return signIn(() => render());
  const view = Object.hasOwn(VIEWS, page) ? VIEWS[page] : null;
  if (!view) return { title: "No such page", body: failure("There is no such page", "Start again with a search.") };
  try {
    if (!session.isKnown() && page !== "help") session.meet(await api.me());
    return await view(parameters);
  } catch (error) {
    if (!session.isSignedIn()) return signIn(() => render(), "Your sign-in has ended. Sign in again to go on.");
    return { title: "Trouble", body: refused(/** @type {any} */ (error)), said: "This did not work." };
  }
}

function refused(error) {
  const titles = {
    0: "The service does not answer",
    400: "This cannot be asked",
    401: "You are not signed in",
    403: "You may not see this",
    404: "Nothing is known of this",
    429: "Too many questions",
    501: "Not set up here",
  };
  const detail = error.status === 429 ? "Wait a minute, then try again." : error.message;
  return failure(titles[error.status] ?? "This did not work", detail, () => render());
}

/** Focus the view's heading, so that the next Tab goes on from there; a page just opened starts with the box. */
function place(route, isFirst) {
  const heading = /** @type {HTMLElement | null} */ (MAIN.querySelector("h1"));
  heading?.setAttribute("tabindex", "-1");
  if (route.page === "" && session.isSignedIn()) BOX.focus({ preventScroll: true });
  else if (!isFirst) heading?.focus({ preventScroll: true });
  if (!isFirst) scrollTo(0, 0);
}

function mark({ page, parameters }) {
  MAIN.setAttribute("aria-busy", "true");
  document.body.dataset.page = page || "home";
  document.body.dataset.signed = String(session.isSignedIn());
  BOX.value = parameters.q ?? parameters.to ?? parameters.address ?? "";
  const current = ["problems", "summary", "help"].includes(page) ? page : "search";
  for (const one of document.querySelectorAll("#nav a")) {
    if (one.getAttribute("data-page") === current) one.setAttribute("aria-current", "page");
    else one.removeAttribute("aria-current");
  }
}

function foot() {
  const toggle = h(
    "button",
    { type: "button", class: "plain", id: "utc", on: { click: () => (setUtc(!isUtc()), render()) } },
    isUtc() ? "Show my own time zone" : "Show UTC",
  );
  const out = h("button", { type: "button", class: "plain", on: { click: leave } }, "Sign out");
  const masked = session.isMasked() && h("span", { class: "tag" }, "Addresses are masked for you");
  const who = session.isSignedIn() && [session.who() && h("bdi", null, session.who()), session.canLeave() && out];
  show(/** @type {Element} */ (document.getElementById("foot")), h("span", null, "Times: ", zone(), ". ", toggle), masked, h("span", { class: "who" }, who));
}

function leave() {
  session.signOut();
  go("#/");
  render();
}

function prepare() {
  document.getElementById("finder")?.addEventListener("submit", (event) => {
    event.preventDefault();
    const q = BOX.value.trim();
    const href = to("search", { q });
    if (!q) return;
    if (location.hash === href) render();
    else go(href);
  });
  document.getElementById("skip")?.addEventListener("click", (event) => {
    event.preventDefault();
    MAIN.focus();
  });
  listen(BOX);
  addEventListener("hashchange", () => render());
}

async function start() {
  prepare();
  try {
    await session.begin();
    await render(true);
  } catch (error) {
    show(MAIN, failure("Signing in did not work", /** @type {Error} */ (error).message, () => location.reload(), true));
    announce("Signing in did not work.");
  }
}

start();
