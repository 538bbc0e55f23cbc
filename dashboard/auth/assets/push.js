// Subscribes this browser to Web Push after a click, and sends the subscription to the dashboard.
"use strict";
(() => {
  const box = document.getElementById("push");
  const button = box.querySelector("button");
  const status = box.querySelector("[role=status]");
  const say = (text) => { status.textContent = text; };

  if (!("serviceWorker" in navigator) || !("PushManager" in window)) {
    button.disabled = true;
    say(box.dataset.unsupported);
    return;
  }

  function keyBytes(text) {
    const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(plain, (sign) => sign.charCodeAt(0));
  }

  function hasKey(subscription, key) {
    const own = new Uint8Array(subscription.options.applicationServerKey);
    return own.length === key.length && own.every((byte, at) => byte === key[at]);
  }

  function activated(worker) {
    return new Promise((done, fail) => worker.addEventListener("statechange", () => {
      if (worker.state === "activated") done();
      if (worker.state === "redundant") fail();
    }));
  }

  async function subscribe() {
    if (await Notification.requestPermission() !== "granted") return say(box.dataset.denied);
    const worker = await navigator.serviceWorker.register(`${box.dataset.path}/worker.js`);
    if (!worker.active) await activated(worker.installing || worker.waiting);
    const key = keyBytes(box.dataset.key);
    // Members of several agencies share the subscription of their browser. One with the key of
    // another installation cannot be changed.
    const old = await worker.pushManager.getSubscription();
    const same = old && hasKey(old, key);
    if (old && !same) await old.unsubscribe();
    const options = { userVisibleOnly: true, applicationServerKey: key };
    const found = same ? old : await worker.pushManager.subscribe(options);
    const answer = await fetch(`${box.dataset.path}/subscribe`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(found.toJSON()),
    });
    say((await answer.json()).message);
  }

  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await subscribe();
    } catch {
      say(box.dataset.failed);
    }
    button.disabled = false;
  });
})();
