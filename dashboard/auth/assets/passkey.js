"use strict";

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));

function text(buffer) {
  const plain = btoa(Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join(""));
  return plain.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function known(list) {
  return (list || []).map((one) => ({ ...one, id: bytes(one.id) }));
}

class Told extends Error {} // a translated message from the server; the browser's errors are in the browser's language

async function made(options) {
  const key = await navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: bytes(options.challenge),
      user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: known(options.excludeCredentials),
    },
  });
  return { clientDataJSON: text(key.response.clientDataJSON), attestationObject: text(key.response.attestationObject), key };
}

async function got(options) {
  const key = await navigator.credentials.get({
    publicKey: { ...options, challenge: bytes(options.challenge), allowCredentials: known(options.allowCredentials) },
  });
  return {
    clientDataJSON: text(key.response.clientDataJSON),
    authenticatorData: text(key.response.authenticatorData),
    signature: text(key.response.signature),
    userHandle: key.response.userHandle ? text(key.response.userHandle) : null,
    key,
  };
}

async function post(address, body) {
  const answer = await fetch(address, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const said = await answer.json();
  if (!answer.ok) throw new Told(said.said);
  return said;
}

async function press(form) {
  const button = form.querySelector("button");
  const place = form.querySelector("[role=status]");
  const fields = Object.fromEntries(new FormData(form));
  button.disabled = true;
  place.textContent = "";
  try {
    const asked = await post("/auth/passkey/ask", { act: form.dataset.act, fields });
    let response;
    try {
      response = await (form.dataset.act === "add" ? made : got)(asked.options);
    } catch (refused) {
      throw new Told(refused.name === "InvalidStateError" ? form.dataset.held : form.dataset.failed, { cause: refused });
    }
    const { key, ...rest } = response;
    const credential = { id: key.id, rawId: text(key.rawId), type: key.type, response: rest };
    const done = await post("/auth/passkey/answer", { act: form.dataset.act, fields, credential });
    location.assign(done.to);
  } catch (error) {
    place.textContent = error instanceof Told ? error.message : form.dataset.away;
    button.disabled = false;
  }
}

document.addEventListener("submit", (event) => {
  if (!event.target.dataset.act) return;
  event.preventDefault();
  press(event.target);
});
