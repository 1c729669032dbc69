// What the shop sells, and how much of it there is: plenty of most things, so that any number of runs fits on one stack; little or nothing of two, so that
// a few orders of every run are rejected.

interface Product {
  readonly sku: string;
  readonly unitPriceCents: number;
  readonly initialStock: number;
}

const PLENTY = 1_000_000_000;

export const PRODUCTS: readonly Product[] = [
  { sku: 'tea', unitPriceCents: 450, initialStock: PLENTY },
  { sku: 'cup', unitPriceCents: 900, initialStock: PLENTY },
  { sku: 'kettle', unitPriceCents: 4_990, initialStock: PLENTY },
  { sku: 'honey', unitPriceCents: 725, initialStock: PLENTY },
  { sku: 'lemon', unitPriceCents: 60, initialStock: PLENTY },
];

export const SCARCE: Product = { sku: 'first-edition', unitPriceCents: 12_500, initialStock: 20 };
export const SOLD_OUT: Product = { sku: 'out-of-print', unitPriceCents: 3_300, initialStock: 0 };

/** Pieces per SKU to start the inventory with. */
export const INITIAL_STOCK: Readonly<Record<string, number>> = Object.fromEntries(
  [...PRODUCTS, SCARCE, SOLD_OUT].map(({ sku, initialStock }) => [sku, initialStock]),
);
