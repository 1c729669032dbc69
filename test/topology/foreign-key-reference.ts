// Foreign-key joins as the rules say them, on a list of updates: too simple to be wrong. Nothing is in flight here, every update is finished before the next.

export interface Update {
  readonly side: 'left' | 'right';
  readonly key: string;
  /** Of a left row, what it names is what stands before the colon: `c1:x` names c1, `:x` nobody. */
  readonly value: string | null;
  readonly timestamp: number;
}

export interface Result {
  readonly key: string;
  readonly value: string | null;
  readonly timestamp: number;
}

interface Row {
  readonly value: string;
  readonly timestamp: number;
}

export const nameIn = (value: string): string | null => value.split(':')[0] || null;
export const pairOf = (left: string, right: string | null): string => `${left}|${right}`;

export function naiveForeignKeyJoin(kind: 'inner' | 'left', updates: readonly Update[]): Result[] {
  const left = new Map<string, Row>();
  const right = new Map<string, Row>();
  return updates.flatMap(({ side, key, value, timestamp }) => {
    const rows = side === 'left' ? left : right;
    const old = rows.get(key);
    if (value === null) rows.delete(key);
    else rows.set(key, { value, timestamp });

    if (side === 'right') {
      const naming = [...left].filter(([, row]) => nameIn(row.value) === key).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      return naming.map(([leftKey, row]) => ({ key: leftKey, value: value === null && kind === 'inner' ? null : pairOf(row.value, value), timestamp }));
    }
    const [oldName, name] = [old === undefined ? null : nameIn(old.value), value === null ? null : nameIn(value)];
    const partner = name === null ? undefined : right.get(name);
    const result = (text: string | null, other: Row | undefined): Result[] => [{ key, value: text, timestamp: Math.max(timestamp, other?.timestamp ?? 0) }];
    if (kind === 'left') {
      if (value === null) return old === undefined ? [] : result(null, undefined);
      return result(pairOf(value, partner?.value ?? null), partner);
    }
    if (name !== null && partner !== undefined) return result(pairOf(value!, partner.value), partner);
    if (name !== null) return oldName === null || oldName === name ? [] : result(null, undefined);
    return oldName === null ? [] : result(null, right.get(oldName));
  });
}

/** What is there in the end. */
export function naiveForeignKeyRows(kind: 'inner' | 'left', updates: readonly Update[]): Map<string, string> {
  const left = new Map<string, string>();
  const right = new Map<string, string>();
  for (const { side, key, value } of updates) {
    const rows = side === 'left' ? left : right;
    if (value === null) rows.delete(key);
    else rows.set(key, value);
  }
  const joined = [...left].flatMap(([key, value]): [string, string][] => {
    const name = nameIn(value);
    const partner = name === null ? null : (right.get(name) ?? null);
    return partner === null && kind === 'inner' ? [] : [[key, pairOf(value, partner)]];
  });
  return new Map(joined);
}
