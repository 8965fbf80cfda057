/** Who may read this: by the organisation's sign-in page, or by the token that `postroad run` printed. */

import { h } from "./dom.js";
import { blank, button } from "./parts.js";
import * as session from "./session.js";

/**
 * @param {() => void} done
 * @param {string | null} why
 */
export function signIn(done, why = null) {
  const body = session.usesOidc() ? atIssuer(why) : withToken(done, why);
  return { title: "Sign in", said: why ?? "Sign in to go on.", body };
}

function atIssuer(why) {
  const words = why ?? "This page shows other people's mail. Sign in with your organisation's account.";
  return blank("Sign in", h("p", null, words), h("p", { class: "actions" }, button("Sign in", session.signIn, { class: "primary", id: "sign-in" })));
}

function withToken(done, why) {
  const input = h("input", { id: "token", type: "password", required: true, autocomplete: "off", spellcheck: "false" });
  const take = (event) => {
    event.preventDefault();
    session.keep(input.value);
    done();
  };
  return blank(
    "Sign in",
    h("p", null, why ?? "This page shows other people's mail, so it asks for a token."),
    h("p", { class: "muted" }, "Open the address that ", h("code", null, "postroad run"), " printed when it started: the token is in it. Or paste the token here. It is forgotten when this tab is closed."),
    h("form", { class: "narrow", on: { submit: take } }, h("label", { for: "token" }, "Token"), input, h("button", { class: "primary", type: "submit" }, "Sign in")),
  );
}
