"""One messenger made of several: each channel goes to its own."""

from __future__ import annotations

from collections.abc import Mapping

from collectkit.core.decisions import Rejected, SendResult
from collectkit.core.records import Channel
from collectkit.ports import Messenger, Notice

__all__ = ["ChannelMessenger"]


class ChannelMessenger:
    """A `Messenger` that routes by channel; without a route or an `otherwise` it refuses for now."""

    def __init__(self, routes: Mapping[Channel, Messenger], *, otherwise: Messenger | None = None) -> None:
        self._routes = {Channel(channel): messenger for channel, messenger in routes.items()}
        self._otherwise = otherwise

    def send(self, notice: Notice, key: str) -> SendResult:
        """Pass the notice and its key on unchanged; see `Messenger.send`."""
        messenger = self._routes.get(notice.channel, self._otherwise)
        if messenger is None:
            return Rejected(code="messenger.no_route", is_permanent=False)
        return messenger.send(notice, key)
