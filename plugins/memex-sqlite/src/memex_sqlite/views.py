"""Views for people and for tools such as Datasette: the same data in words. memex reads none of them."""

from __future__ import annotations

from typing import Final

from memex_sqlite.rows import ROLES

_ROLE = " ".join(f"WHEN {code} THEN '{role}'" for code, role in enumerate(ROLES))
_TIME = "strftime('%Y-%m-%d %H:%M:%f', {} / 1000000.0, 'unixepoch')"

VIEWS: Final = (
    f"""CREATE VIEW readable_threads AS
    SELECT n.name AS namespace, t.name AS thread,
        coalesce((SELECT max(place) & 4294967295 FROM messages
            WHERE place BETWEEN t.id << 32 AND (t.id << 32) + 4294967295), t.forked_at) AS head,
        {_TIME.format("t.created")} AS created, p.name AS forked_from, nullif(t.forked_at, 0) AS forked_at
    FROM threads t JOIN namespaces n ON n.id = t.namespace LEFT JOIN threads p ON p.id = t.parent
    WHERE t.name IS NOT NULL""",
    # What a fork shares stands once, under the thread that it was said in.
    f"""CREATE VIEW readable_messages AS
    SELECT n.name AS namespace, t.name AS thread, m.place & 4294967295 AS seq,
        CASE m.role {_ROLE} END AS role, {_TIME.format("m.created")} AS created,
        coalesce(m.text, (SELECT group_concat(json_extract(value, '$.text'), char(10))
            FROM json_each(m.json, '$.parts') WHERE json_extract(value, '$.type') = 'text')) AS text,
        CASE WHEN m.text IS NULL AND m.json IS NULL THEN 'forgotten'
            ELSE coalesce(json_extract(m.json, '$.status'), 'complete') END AS status,
        CASE typeof(m.id) WHEN 'blob' THEN lower(hex(m.id)) ELSE m.id END AS id,
        m.tokens, c.name AS counter, m.json
    FROM messages m JOIN threads t ON t.id = m.place >> 32 JOIN namespaces n ON n.id = t.namespace
    LEFT JOIN counters c ON c.id = m.counter""",
    """CREATE VIEW readable_plans AS
    SELECT n.name AS namespace, t.name AS thread, p.place & 4294967295 AS number, p.head,
        CAST(p.body AS TEXT) AS plan
    FROM plans p JOIN threads t ON t.id = p.place >> 32 JOIN namespaces n ON n.id = t.namespace""",
)
