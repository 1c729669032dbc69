// The serdes that cases name.

import { Serdes, type Serde, type Windowed } from 'millrace';
import { canonical } from './canonical.ts';

const canonicalJson: Serde<unknown> = { ...Serdes.json<unknown>(), serialize: (_topic, data) => Buffer.from(canonical(data)) };

/** For what the cases give no serde for: any of their values. */
export const anyJson: Serde<any> = canonicalJson;

/** Only for reading results: the key as its own text serde would have it, with its window. */
const windowed: Serde<Windowed<string>> = {
  name: 'windowed',
  serialize: (_topic, { key, window }) => Buffer.from(JSON.stringify({ key, window: [window.startMs, window.endMs] })),
  deserialize: (_topic, data) => JSON.parse(data.toString()) as never,
};

const SERDES: Readonly<Record<string, Serde<any>>> = { string: Serdes.string(), long: Serdes.long(), json: canonicalJson, windowed };

export function serdeOf(name: string): Serde<any> {
  const serde = SERDES[name];
  if (serde === undefined) throw new Error(`No serde is called "${name}".`);
  return serde;
}

export function serdesOf(node: { readonly [member: string]: any }): { key: Serde<any>; value: Serde<any> } {
  return { key: serdeOf(node['keySerde']), value: serdeOf(node['valueSerde']) };
}
