"""A broker with an authoriser: its owner may do everything, others what was granted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kafka import KafkaAdminClient
from kafka.admin import ACL, ACLOperation, ACLPermissionType, ResourcePattern, ResourceType

from service.streams.port import Stream
from tests.contracts.rig import read_to_end

Right = tuple[str, str, str]


@dataclass(frozen=True)
class Guarded:
    """What its owner can do with it."""

    owner: Stream
    admin: KafkaAdminClient

    def grant(self, who: str, model: str, rights: Sequence[Right]) -> None:
        """Allow somebody some things; what the names begin with is the model's."""
        acls = [
            ACL(
                f"User:{who}",
                "*",
                ACLOperation[operation],
                ACLPermissionType.ALLOW,
                ResourcePattern(ResourceType[kind], model + name),
            )
            for kind, name, operation in rights
        ]
        assert not self.admin.create_acls(acls)["failed"]

    def values(self, topic: str) -> list[bytes | None]:
        """Return the committed values of a topic."""
        with self.owner.reader() as reader:
            reader.seek({(topic, 0): 0})
            return [value for _, _, value, _ in read_to_end(self.owner, reader, (topic, 0))]
