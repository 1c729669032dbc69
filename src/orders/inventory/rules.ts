// What the inventory decides, as a pure function: from an operation, the order's reservation and the stock to an answer and what changes.
//
// | reservation | reserve            | confirm             | release              |
// |-------------|--------------------|---------------------|----------------------|
// | none        | reserved / refused | refused             | released (tombstone) |
// | reserved    | reserved, as it is | sold                | released             |
// | sold        | refused            | sold, as it is      | refused              |
// | released    | refused            | refused             | released, as it is   |
//
// The tombstone is what makes compensation safe: a release may come before its reserve, whose slow attempt arrives later and must find the door shut.

export interface Line {
  readonly sku: string;
  readonly quantity: number;
}

export interface Stock {
  readonly initial: number;
  readonly available: number;
  readonly reserved: number;
  readonly sold: number;
}

export type Operation =
  | { readonly kind: 'reserve'; readonly orderId: string; readonly lines: readonly Line[] }
  | { readonly kind: 'confirm'; readonly orderId: string }
  | { readonly kind: 'release'; readonly orderId: string };

export interface Reservation {
  readonly state: 'reserved' | 'sold' | 'released';
  readonly lines: readonly Line[];
}

export type RefusalCode = 'OUT_OF_STOCK' | 'UNKNOWN_SKU' | 'INVALID_LINES' | 'RELEASED' | 'SOLD' | 'NOT_RESERVED';

export type Answer =
  | { readonly ok: true; readonly state: Reservation['state'] }
  /** Final: asking again under the same key gives the same answer. */
  | { readonly ok: false; readonly code: RefusalCode; readonly message: string };

export interface Decision {
  readonly answer: Answer;
  readonly reservation?: Reservation;
  /** New values, only of SKUs that change. */
  readonly stock?: ReadonlyMap<string, Stock>;
}

/** @param stock current values of (at least) the SKUs that the operation or the reservation names */
export function decide(operation: Operation, reservation: Reservation | undefined, stock: ReadonlyMap<string, Stock>): Decision {
  switch (operation.kind) {
    case 'reserve':
      if (reservation?.state === 'reserved') return { answer: { ok: true, state: 'reserved' } };
      if (reservation?.state === 'sold') return refuse('SOLD', `order ${operation.orderId} is sold already`);
      if (reservation?.state === 'released') return refuse('RELEASED', `order ${operation.orderId} was released; it cannot be reserved any more`);
      return reserve(operation.lines, stock);
    case 'confirm':
      if (reservation?.state === 'sold') return { answer: { ok: true, state: 'sold' } };
      if (reservation?.state !== 'reserved') return refuse('NOT_RESERVED', `nothing is reserved for order ${operation.orderId}`);
      return {
        answer: { ok: true, state: 'sold' },
        reservation: { ...reservation, state: 'sold' },
        stock: moved(reservation.lines, stock, (of, quantity) => ({ ...of, reserved: of.reserved - quantity, sold: of.sold + quantity })),
      };
    case 'release':
      if (reservation?.state === 'released') return { answer: { ok: true, state: 'released' } };
      if (reservation?.state === 'sold') return refuse('SOLD', `order ${operation.orderId} is sold; it cannot be released`);
      return {
        answer: { ok: true, state: 'released' },
        reservation: { state: 'released', lines: [] },
        stock: moved(reservation?.lines ?? [], stock, (of, quantity) => ({ ...of, reserved: of.reserved - quantity, available: of.available + quantity })),
      };
  }
}

function reserve(lines: readonly Line[], stock: ReadonlyMap<string, Stock>): Decision {
  if (lines.length === 0 || lines.some(({ quantity }) => !Number.isSafeInteger(quantity) || quantity <= 0)) {
    return refuse('INVALID_LINES', 'a reservation needs lines, each with a whole quantity above zero');
  }
  const unknown = lines.find(({ sku }) => !stock.has(sku));
  if (unknown !== undefined) return refuse('UNKNOWN_SKU', `there is no SKU ${unknown.sku}`);
  const changed = moved(lines, stock, (of, quantity) => ({ ...of, available: of.available - quantity, reserved: of.reserved + quantity }));
  for (const [sku, after] of changed) {
    if (after.available < 0) return refuse('OUT_OF_STOCK', `not enough of ${sku}: ${stock.get(sku)?.available ?? 0} left`);
  }
  return { answer: { ok: true, state: 'reserved' }, reservation: { state: 'reserved', lines }, stock: changed };
}

/** An order may name a SKU in several lines. */
function moved(lines: readonly Line[], stock: ReadonlyMap<string, Stock>, move: (of: Stock, quantity: number) => Stock): Map<string, Stock> {
  const changed = new Map<string, Stock>();
  for (const { sku, quantity } of lines) {
    const before = changed.get(sku) ?? stock.get(sku);
    if (before === undefined) throw new Error(`The stock of ${sku} is missing although it was reserved: the inventory's store is damaged.`);
    changed.set(sku, move(before, quantity));
  }
  return changed;
}

function refuse(code: RefusalCode, message: string): Decision {
  return { answer: { ok: false, code, message } };
}
