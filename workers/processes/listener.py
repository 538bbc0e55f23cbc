"""The process that runs all listeners."""

import threading
from contextlib import AbstractContextManager, nullcontext

from foundation.ops.settings import Settings
from workers.installation import folder
from workers.listeners.factory import can_receive_webhooks, make_listener_pool
from workers.listeners.polling import ListenerPool
from workers.listeners.webhooks import app_webhooks, meta
from workers.listeners.webhooks.age_providers import provider_webhook_handler
from workers.processes.queue_workers import LISTENER_POOL_SIZE
from workers.processes.relay import stop_on_signal
from workers.runtime import metrics
from workers.wiring import Services, build_services


def run_listener(settings: Settings) -> None:
    """Receive updates of all accounts until SIGTERM."""
    with build_services(settings, pool_size=LISTENER_POOL_SIZE, application="listen") as services:
        ears = make_listener_pool(services)
        told = threading.Event()
        metrics.register_listener_collector()

        def beat() -> None:
            if not told.is_set():
                told.set()
                folder.announce_ready(settings, "listen")

        with stop_on_signal(ears.stop), _serve_webhooks(services, ears):
            ears.run(beat=beat)


def _serve_webhooks(services: Services, ears: ListenerPool) -> AbstractContextManager[None]:
    """Run the webhook server if the installation has a public URL."""
    if not can_receive_webhooks(services):
        return nullcontext()
    # Imported late: only this process needs a web server for webhooks.
    from workers.listeners.webhooks import server  # noqa: PLC0415  see above

    own = services.settings.workers
    app = server.create_webhook_app(
        ears.find_listener,
        provider_webhook_handler(services),
        app_webhooks.make_app_webhooks(services, ears),
        meta.make_meta_webhooks(services, ears),
    )
    return server.run_webhook_server(app, own.hooks_host, own.hooks_port)
