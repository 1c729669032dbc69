// What every place for local state must do, told by the port alone. Run against LevelDB in temporary folders and against memory.

import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DatabaseWrite, StateDirectory, TaskDatabase } from '../../src/ports/state-directory.ts';

export interface StatePlace {
  /** Opens the place again, as a restarted process would; the directory opened before is closed. */
  reopen(): Promise<StateDirectory>;
  remove(): Promise<void>;
}

type Entry = readonly [key: Buffer, value: Buffer];

export function stateDirectoryContract(name: string, newPlace: () => Promise<StatePlace>): void {
  describe(`${name} keeps the state directory contract`, () => {
    let place: StatePlace;
    let directory: StateDirectory;

    beforeEach(async () => {
      place = await newPlace();
      directory = await place.reopen();
    });
    afterEach(async () => {
      await directory.close();
      await place.remove();
    });

    async function restart(): Promise<void> {
      await directory.close();
      directory = await place.reopen();
    }

    async function using<T>(task: string, action: (database: TaskDatabase) => Promise<T>): Promise<T> {
      const database = await directory.open(task);
      try {
        return await action(database);
      } finally {
        await database.close();
      }
    }

    it('gives back what was written, byte for byte, also after a restart', async () => {
      const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
      await using('0_1', async (database) => {
        expect(database.get(everyByte)).toBeUndefined();
        await database.write([put(everyByte, everyByte), put(Buffer.of(0), Buffer.alloc(0))]);
        expect(database.get(everyByte)).toEqual(everyByte);
      });
      await restart();
      await using('0_1', async (database) => {
        expect(database.get(everyByte)).toEqual(everyByte);
        expect(database.get(Buffer.of(0))).toEqual(Buffer.alloc(0));
        expect(database.get(Buffer.of(1))).toBeUndefined();
      });
    });

    it('lets later entries of one list win', async () => {
      await using('0_0', async (database) => {
        const [a, b] = [Buffer.from('a'), Buffer.from('b')];
        await database.write([put(a, Buffer.from('1')), remove(a), put(b, Buffer.from('1')), remove(b), put(b, Buffer.from('2'))]);
        expect(database.get(a)).toBeUndefined();
        expect(database.get(b)?.toString()).toBe('2');
      });
    });

    it('keeps its own copy: whoever wrote may go on using the buffers', async () => {
      await using('0_0', async (database) => {
        const [key, value] = [Buffer.from('key'), Buffer.from('value')];
        await database.write([put(key, value)]);
        key.fill(0);
        value.fill(0);
        expect(database.get(Buffer.from('key'))?.toString()).toBe('value');
      });
    });

    it('scans from a key, before another, in the order of unsigned bytes', async () => {
      const bytes = fc.uint8Array({ minLength: 1, maxLength: 3 }).map((array) => Buffer.from(array));
      let runs = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(fc.tuple(bytes, bytes, fc.boolean()), { maxLength: 30 }), bytes, bytes, async (writes, one, other) => {
          const task = `1_${runs++}`;
          await using(task, async (database) => {
            const reference = new Map<string, Buffer>();
            for (const [key, value, isPut] of writes) {
              if (isPut) reference.set(key.toString('hex'), value);
              else reference.delete(key.toString('hex'));
            }
            await database.write(writes.map(([key, value, isPut]) => (isPut ? put(key, value) : remove(key))));
            const expected = [...reference]
              .map(([key, value]): Entry => [Buffer.from(key, 'hex'), value])
              .filter(([key]) => Buffer.compare(key, one) >= 0 && Buffer.compare(key, other) < 0)
              .sort(([a], [b]) => Buffer.compare(a, b));
            expect(await collect(database.scan(one, other))).toEqual(expected);
          });
        }),
        { numRuns: 40 },
      );
    });

    it('scans a snapshot of the moment of the call, whatever is written before and while it is read', async () => {
      await using('0_0', async (database) => {
        const keys = Array.from({ length: 300 }, (_, index) => Buffer.from(`key-${1_000 + index}`));
        await database.write(keys.map((key) => put(key, Buffer.from('before'))));
        const scan = database.scan(Buffer.from('key-'), Buffer.from('key.'));
        await database.write([...keys.slice(0, 150).map(remove), ...keys.slice(150).map((key) => put(key, Buffer.from('after')))]);
        const seen: Entry[] = [];
        for await (const entry of scan) {
          if (seen.length === 10) await database.write([put(Buffer.from('key-9999'), Buffer.from('new')), ...keys.map(remove)]);
          seen.push(entry);
        }
        expect(new Set(seen.map(([, value]) => value.toString()))).toEqual(new Set(['before']));
        expect(seen.map(([key]) => key.toString()).join()).toBe(keys.join());
      });
    });

    it('lets a scan be given up in the middle', async () => {
      await using('0_0', async (database) => {
        await database.write([put(Buffer.from('a'), Buffer.of(1)), put(Buffer.from('b'), Buffer.of(2))]);
        for await (const [key] of database.scan(Buffer.from('a'), Buffer.from('z'))) {
          expect(key.toString()).toBe('a');
          break;
        }
      });
      expect(await directory.tasks()).toEqual(['0_0']);
    });

    it('keeps tasks apart, and knows which it has', async () => {
      const key = Buffer.from('k');
      await using('0_1', (database) => database.write([put(key, Buffer.from('one'))]));
      await using('0_11', (database) => database.write([put(key, Buffer.from('eleven'))]));
      expect((await directory.tasks()).sort()).toEqual(['0_1', '0_11']);
      await restart();
      expect((await directory.tasks()).sort()).toEqual(['0_1', '0_11']);
      expect(await using('0_11', async (database) => database.get(key)?.toString())).toBe('eleven');
    });

    it('wipes one task and nothing else, also one that was never there', async () => {
      const key = Buffer.from('k');
      for (const task of ['0_0', '1_0']) await using(task, (database) => database.write([put(key, Buffer.from(task))]));
      await directory.wipe('0_0');
      await directory.wipe('7_7');
      expect(await directory.tasks()).toEqual(['1_0']);
      expect(await using('0_0', async (database) => database.get(key))).toBeUndefined();
      expect(await using('1_0', async (database) => database.get(key)?.toString())).toBe('1_0');
    });

    it('refuses to read or write through a database that is closed', async () => {
      const stale = await directory.open('0_0');
      await stale.write([put(Buffer.from('k'), Buffer.from('v'))]);
      await stale.close();
      await stale.close();
      expect(() => stale.get(Buffer.from('k'))).toThrow();
      await expect(stale.write([remove(Buffer.from('k'))])).rejects.toThrow();
      await expect((async () => collect(stale.scan(Buffer.of(0), Buffer.of(255))))()).rejects.toThrow();
      expect(await using('0_0', async (database) => database.get(Buffer.from('k'))?.toString())).toBe('v');
    });

    it('remembers notes and its process id across a restart', async () => {
      const { processId } = directory;
      expect(processId).toMatch(/.+/);
      expect(await directory.note('memberId')).toBeUndefined();
      await directory.setNote('memberId', 'm-1');
      await directory.setNote('memberId', 'm-2');
      await restart();
      expect(await directory.note('memberId')).toBe('m-2');
      expect(await directory.note('processId')).toBeUndefined();
      expect(directory.processId).toBe(processId);
    });
  });
}

function put(key: Buffer, value: Buffer): DatabaseWrite {
  return { key, value };
}

function remove(key: Buffer): DatabaseWrite {
  return { key, value: null };
}

async function collect(scan: AsyncIterable<Entry>): Promise<Entry[]> {
  const found: Entry[] = [];
  for await (const entry of scan) found.push(entry);
  return found;
}
