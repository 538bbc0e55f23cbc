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

  async function subscribe() {
    if (await Notification.requestPermission() !== "granted") return say(box.dataset.denied);
    await navigator.serviceWorker.register(`${box.dataset.path}/worker.js`);
    const worker = await navigator.serviceWorker.getRegistration(`${box.dataset.path}/`);
    const options = { userVisibleOnly: true, applicationServerKey: keyBytes(box.dataset.key) };
    // A subscription with the key of another installation cannot be changed.
    const old = await worker.pushManager.getSubscription();
    if (old) await old.unsubscribe();
    const found = await worker.pushManager.subscribe(options);
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
