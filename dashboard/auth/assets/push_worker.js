// Shows Web Push messages of Greenroom. A message replaces an earlier attempt of the same message.
"use strict";
self.addEventListener("install", () => self.skipWaiting());

self.addEventListener("push", (event) => {
  let told = {};
  try {
    told = event.data.json();
  } catch {
    // A message must be shown even if it is unreadable.
  }
  const options = { body: String(told.body ?? ""), tag: String(told.tag ?? ""), data: told.path };
  event.waitUntil(self.registration.showNotification(String(told.title ?? "Greenroom"), options));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const page = new URL(String(event.notification.data ?? "/notifications"), self.location.origin);
  if (page.origin === self.location.origin) event.waitUntil(self.clients.openWindow(page.href));
});
