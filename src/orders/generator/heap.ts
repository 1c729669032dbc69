// What is due next, of many things: a binary heap that keeps the order of arrival among equals.

export class Heap<T> {
  readonly #isBefore: (a: T, b: T) => boolean;
  readonly #entries: { readonly item: T; readonly arrival: number }[] = [];
  #arrivals = 0;

  constructor(isBefore: (a: T, b: T) => boolean) {
    this.#isBefore = isBefore;
  }

  peek(): T | undefined {
    return this.#entries[0]?.item;
  }

  push(item: T): void {
    let at = this.#entries.push({ item, arrival: this.#arrivals++ }) - 1;
    for (let parent = (at - 1) >> 1; at > 0 && this.#isLess(at, parent); at = parent, parent = (at - 1) >> 1) this.#swap(at, parent);
  }

  pop(): T | undefined {
    const entries = this.#entries;
    if (entries.length === 0) return undefined;
    this.#swap(0, entries.length - 1);
    const { item } = entries.pop()!;
    for (let at = 0; ; ) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) if (child < entries.length && this.#isLess(child, least)) least = child;
      if (least === at) return item;
      this.#swap(at, least);
      at = least;
    }
  }

  #isLess(a: number, b: number): boolean {
    const [x, y] = [this.#entries[a]!, this.#entries[b]!];
    if (this.#isBefore(x.item, y.item)) return true;
    return !this.#isBefore(y.item, x.item) && x.arrival < y.arrival;
  }

  #swap(a: number, b: number): void {
    const entry = this.#entries[a]!;
    this.#entries[a] = this.#entries[b]!;
    this.#entries[b] = entry;
  }
}
