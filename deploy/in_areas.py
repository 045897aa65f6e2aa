"""Every table of a service whose rows have an area: whether they lie where their stream does, and who is kept out."""

from typing import Any

from deploy.evidence import Table

# A view has no policy of its own: it must ask in its caller's name.
_BEARING = """
SELECT c.relname AS name, c.relkind = 'r' AND has_table_privilege(c.oid, 'SELECT') AS readable, k.attname AS key,
    CASE c.relkind
        WHEN 'v' THEN coalesce('security_invoker=true' = ANY (c.reloptions), false)
        ELSE c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid)
    END AS guarded
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'area' AND NOT a.attisdropped
LEFT JOIN LATERAL (
    SELECT attname FROM pg_attribute
    WHERE attrelid = c.oid AND attname IN ('stream_id', 'case_id') AND NOT attisdropped ORDER BY attname DESC LIMIT 1
) k ON true
WHERE c.relkind IN ('r', 'p', 'v', 'm') AND c.relnamespace = 'public'::regnamespace ORDER BY name
"""
_HOMES = "SELECT stream_id, area FROM stream"
_PUBLISHED = "SELECT stream_id, min(area) AS area FROM public_event WHERE starts_with(type, 'case.') GROUP BY stream_id"
_ASTRAY = """
SELECT count(*) AS rows, count(*) FILTER (WHERE t.area <> h.area) AS astray,
    (array_agg(t.{key}::text ORDER BY t.{key}) FILTER (WHERE t.area <> h.area))[:3] AS examples
FROM {table} t LEFT JOIN ({homes}) h ON h.stream_id = t.{key}
"""


async def tables_of(service: str, to: Any) -> list[Table]:
    """Rows of streams that the service does not know by a stream of its own are counted, and taken as they are."""
    homes = _PUBLISHED if service == "reporting" else _HOMES
    found: list[Table] = []
    for bearing in await to.fetch(_BEARING):
        name, key, guarded = bearing["name"], bearing["key"], bearing["guarded"]
        if not bearing["readable"] or key is None or name == "stream":
            found.append(Table(service, name, guarded=guarded))
            continue
        row = await to.fetchrow(_ASTRAY.format(table=name, key=key, homes=homes))
        found.append(Table(service, name, row["rows"], row["astray"], row["examples"] or (), guarded))
    return found
