"""What survivors of merges say of permission, zone and consent after their last merge.

Row by row, over these few codes alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from cdp_assets.flows.consent_said import Consent
from cdp_assets.flows.resolve_rows import Merges, insert_rows
from cdp_assets.sql import consent_changes, survivors
from cdp_assets.sql.writes import Write
from cdp_assets.warehouse import Database


def combine_consents(database: Database, writes: Iterable[Write], merges: Merges) -> None:
    """Makes `merged_consents` and `merged_steps` of `merged_people` and `merged_rows`.

    `profiles` is as before the pass.
    """
    mappings = sorted(
        (number, write.prop.name)
        for write in writes
        if write.prop.name in survivors.CONSENT_NAMES
        for number, _ in write.mappings
    )
    people = {person: Consent() for person in merges.roots}
    changes: list[tuple[object, ...]] = []
    for person, level, zone, given, refused in database.rows(survivors.OLD_CONSENTS):
        people[person] = Consent(level, zone, set(given or ()), set(refused or ()))
    targets = [target for _, target in mappings]
    for ordinal, *cells in database.rows(survivors.consent_cells([number for number, _ in mappings])):
        merge = merges.merges.get(ordinal)
        person = merges.rows[ordinal]
        before = people[person].told
        if merge is not None:
            survivor, others = merge
            for other in others:
                people[survivor].join(people.pop(other))
        if ordinal <= merges.last[merges.roots[person]]:
            people[person].take(targets, cells)
        if people[person].told != before:
            changes.append((ordinal, person, merge is not None, *before, *people[person].told))
    database.run(consent_changes.MERGED_STEPS_TABLE)
    insert_rows(database, consent_changes.MERGED_STEPS, changes)
    database.run(survivors.CONSENTS_TABLE)
    rows = [(person, *said.told) for person, said in people.items()]
    insert_rows(database, survivors.CONSENTS, rows)
