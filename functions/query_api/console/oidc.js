/** OIDC's authorization code flow with PKCE (RFC 7636), for a page that has no secret of its own. */

const KEPT = "postroad.oidc";

/** Leave for the issuer. */
export async function begin(/** @type {any} */ config) {
  const flow = { verifier: random(), state: random(), nonce: random(), back: location.hash };
  sessionStorage.setItem(KEPT, JSON.stringify(flow));
  const asked = new URLSearchParams({
    response_type: "code",
    client_id: config.client_id,
    redirect_uri: here(),
    scope: config.scope ?? "openid",
    state: flow.state,
    nonce: flow.nonce,
    code_challenge: await challenge(flow.verifier),
    code_challenge_method: "S256",
  });
  location.assign(`${config.authorize_endpoint}?${asked}`);
}

/**
 * Take up what the issuer sent back, if this page was loaded by its answer.
 * @param {any} config
 * @param {(token: string) => void} keep
 */
export async function finish(config, keep) {
  const answer = new URLSearchParams(location.search);
  if (!answer.has("state") || !(answer.has("code") || answer.has("error"))) return;
  const flow = JSON.parse(sessionStorage.getItem(KEPT) ?? "{}");
  sessionStorage.removeItem(KEPT);
  history.replaceState(null, "", `${location.pathname}${String(flow.back ?? "#/")}`);
  refuse(answer.get("state") !== flow.state, "The answer belongs to another sign-in.");
  refuse(answer.has("error"), answer.get("error_description") ?? `The sign-in page said: ${answer.get("error")}`);
  refuse(answer.has("iss") && answer.get("iss") !== config.issuer, "The answer comes from another issuer.");
  keep(await redeem(config, answer.get("code") ?? "", flow));
}

/** What a JWT says, its signature unchecked. */
function claims(/** @type {string} */ token) {
  try {
    const bytes = Uint8Array.from(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return {};
  }
}

async function redeem(config, code, flow) {
  const response = await fetch(config.token_endpoint, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "authorization_code",
      client_id: config.client_id,
      redirect_uri: here(),
      code,
      code_verifier: flow.verifier,
    }),
  });
  const told = await response.json().catch(() => ({}));
  refuse(!response.ok || !told.access_token, told.error_description ?? "The sign-in could not be completed.");
  check(config, told.id_token, flow.nonce);
  return told.access_token;
}

/** The ID token came straight from the token endpoint, so its transport vouches for it; what it says must fit. */
function check(config, idToken, nonce) {
  const said = claims(idToken ?? "");
  const audiences = [said.aud].flat();
  refuse(said.nonce !== nonce, "The ID token belongs to another sign-in.");
  refuse(said.iss !== config.issuer, "The ID token comes from another issuer.");
  refuse(!audiences.includes(config.client_id), "The ID token is meant for another application.");
  refuse(!(said.exp * 1000 > Date.now()), "The ID token has expired.");
}

function refuse(isWrong, sentence) {
  if (isWrong) throw new Error(sentence);
}

function here() {
  return `${location.origin}${location.pathname}`;
}

function random() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

async function challenge(verifier) {
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}

function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
}
