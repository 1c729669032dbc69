// The registry client against a registry of our own that can be away, hang, bar and talk nonsense. The real one: avro.real.test.ts.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import {
  RegistryClosedError,
  RegistryRefusedError,
  SchemaMismatchError,
  SchemaRefusedError,
  Serdes,
  UnknownSchemaError,
  connectRegistry,
  type Registry,
  type RegistrySettings,
} from '../../src/serdes/index.ts';

const SCHEMA = { type: 'record', name: 'R', namespace: 'n', fields: [{ name: 'a', type: 'string' }] };
const RECORD_7 = Buffer.from('00000000070278', 'hex');

type Answer = { status: number; body: unknown; headers?: Record<string, string> } | 'hang' | 'hang up';
type Handler = (call: string, body: unknown, request: IncomingMessage) => Answer;

const opened: { server: Server; registries: Registry[] }[] = [];
afterEach(() => {
  for (const { server, registries } of opened.splice(0)) {
    for (const registry of registries) registry.close();
    server.closeAllConnections();
    server.close();
  }
});

describe('looking up a schema', () => {
  it('asks once per id, however many wait for it', async () => {
    const { registry, calls } = await start(() => json({ schema: JSON.stringify(SCHEMA) }));
    const serde = Serdes.avro<{ a: string }>({ registry, schema: SCHEMA });
    await Promise.all([serde.prepare!('t', RECORD_7), serde.prepare!('t', RECORD_7), serde.prepare!('u', RECORD_7)]);
    expect(serde.prepare!('t', RECORD_7)).toBeUndefined();
    expect(serde.deserialize('t', RECORD_7)).toEqual({ a: 'x' });
    expect(serde.prepare!('t', RECORD_7)).toBeUndefined();
    expect(calls).toEqual(['GET /schemas/ids/7']);
  });

  it('asks once per id for all topics and readers of a process, and never for what it wrote', async () => {
    const { registry, calls } = await start((call, body, request) => (call.startsWith('GET /schemas') ? json({ schema: JSON.stringify(SCHEMA) }) : fakeRegistry('BACKWARD')(call, body, request)));
    const wider = { ...SCHEMA, fields: [...SCHEMA.fields, { name: 'b', type: 'long', default: 5 }] };
    const readers = [SCHEMA, wider, wider].map((schema) => Serdes.avro<{ a: string }>({ registry, schema }));
    for (const topic of ['t', 'u', 'v']) for (const serde of readers) for (let record = 0; record < 20; record++) await serde.prepare!(topic, RECORD_7);
    expect(readers.map((serde) => serde.deserialize('t', RECORD_7))).toEqual([{ a: 'x' }, { a: 'x', b: 5 }, { a: 'x', b: 5 }]);
    await readers[0]!.open!('t', 'value');
    const own = readers[0]!.serialize('t', { a: 'y' });
    expect(readers[1]!.prepare!('u', own)).toBeUndefined();
    expect(readers[1]!.deserialize('u', own)).toEqual({ a: 'y', b: 5 });
    expect(calls.filter((call) => call.includes('/schemas/ids/'))).toEqual(['GET /schemas/ids/7']);
  });

  it('remembers an unknown id for a while, then asks again', async () => {
    let isRegistered = false;
    const { registry, calls } = await start(
      (call) => (call === 'GET /subjects' ? json(['t-value']) : isRegistered ? json({ schema: JSON.stringify(SCHEMA) }) : json({ error_code: 40403, message: 'Schema not found' }, 404)),
      { unknownForMs: 60 },
    );
    const serde = Serdes.avro<{ a: string }>({ registry, schema: SCHEMA });
    await serde.prepare!('t', RECORD_7);
    expect(serde.prepare!('t', RECORD_7)).toBeUndefined();
    expect(() => serde.deserialize('t', RECORD_7)).toThrow(UnknownSchemaError);
    expect(calls).toEqual(['GET /schemas/ids/7', 'GET /subjects']);
    isRegistered = true;
    await new Promise((resolve) => setTimeout(resolve, 80));
    const again = serde.prepare!('t', RECORD_7);
    expect(() => serde.deserialize('t', RECORD_7)).toThrow(UnknownSchemaError); // still the old answer, not "prepare was forgotten"
    await again;
    expect(serde.deserialize('t', RECORD_7)).toEqual({ a: 'x' });
  });

  it('says so when the schema is not Avro', async () => {
    const { registry } = await start(() => json({ schemaType: 'JSON', schema: '{"type":"object","title":"x"}' }));
    const serde = Serdes.avro({ registry, schema: SCHEMA });
    await serde.prepare!('t', RECORD_7);
    expect(() => serde.deserialize('t', RECORD_7)).toThrow(SchemaMismatchError);
    expect(() => serde.deserialize('t', RECORD_7)).toThrow(/not an Avro schema/);
  });

  it('takes an objection to the id for an answer, and asks again later', async () => {
    let isObjecting = true;
    const { registry, troubles } = await start(
      (call) => (call === 'GET /subjects' ? json([]) : isObjecting ? json({ error_code: 42200, message: 'what an id' }, 422) : json({ schema: JSON.stringify(SCHEMA) })),
      { unknownForMs: 50 },
    );
    const serde = Serdes.avro<{ a: string }>({ registry, schema: SCHEMA });
    await serde.prepare!('t', RECORD_7);
    expect(() => serde.deserialize('t', RECORD_7)).toThrow(/what an id/);
    expect(troubles).toEqual([]);
    isObjecting = false;
    await new Promise((resolve) => setTimeout(resolve, 60));
    await serde.prepare!('t', RECORD_7);
    expect(serde.deserialize('t', RECORD_7)).toEqual({ a: 'x' });
  });

  it('asks nobody about an id below zero', async () => {
    const { registry, calls } = await start(() => json({}, 500));
    const serde = Serdes.avro({ registry, schema: SCHEMA });
    const bytes = Buffer.from('00ffffffff0278', 'hex');
    expect(serde.prepare!('t', bytes)).toBeUndefined();
    expect(() => serde.deserialize('t', bytes)).toThrow(UnknownSchemaError);
    expect(calls).toEqual([]);
  });

  it.each<[string, Answer]>([
    ['an error of the server', json({ error_code: 50001, message: 'Error in the backend data store' }, 500)],
    ['a connection that breaks', 'hang up'],
    ['a registry that hangs', 'hang'],
    ['a refusal to let us in, which is no fault of the record', json({ error_code: 40101, message: 'Unauthorized' }, 401)],
    ['a "not found" from something that is no registry', { status: 404, body: '<html>not here</html>' }],
    ['a page that somebody put in between', { status: 200, body: '<html>log in first</html>' }],
    ['an answer that is no schema', { status: 502, body: 'Bad gateway' }],
  ])('waits out %s, and tells of it', async (_what, trouble) => {
    let failures = 2;
    const { registry, troubles } = await start(() => (failures-- > 0 ? trouble : json({ schema: JSON.stringify(SCHEMA) })), { requestTimeoutMs: 100 });
    const serde = Serdes.avro<{ a: string }>({ registry, schema: SCHEMA });
    await serde.prepare!('t', RECORD_7);
    expect(serde.deserialize('t', RECORD_7)).toEqual({ a: 'x' });
    expect(troubles.length).toBeGreaterThan(0);
    expect(troubles[0]).toMatch(/^Waiting for the schema registry at http:\/\/127\.0\.0\.1:\d+ to fetch schema 7: .+\.$/);
  });

  it('waits for a registry that is not there yet', async () => {
    const { registry, troubles, port, stop } = await start(() => json({ schema: JSON.stringify(SCHEMA) }));
    await stop();
    const serde = Serdes.avro<{ a: string }>({ registry, schema: SCHEMA });
    const ready = serde.prepare!('t', RECORD_7);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(troubles.join()).toContain('ECONNREFUSED');
    await start(() => json({ schema: JSON.stringify(SCHEMA) }), {}, port);
    await ready;
    expect(serde.deserialize('t', RECORD_7)).toEqual({ a: 'x' });
  });

  it('lets go of those who wait when it is closed', async () => {
    const { registry } = await start(() => json({}, 503));
    const waiting = registry.fetch(7);
    const registering = registry.register('t-value', SCHEMA, 'BACKWARD');
    const rejected = expect(registering).rejects.toThrow(RegistryClosedError);
    await new Promise((resolve) => setTimeout(resolve, 20));
    registry.close();
    await waiting;
    await rejected;
    expect(registry.known(7)).toBeUndefined();
  });
});

describe('registering a schema', () => {
  it('sets the compatibility where nobody has chosen one, before the first version', async () => {
    const { registry, calls } = await start(fakeRegistry());
    expect(await registry.register('t-value', SCHEMA, 'BACKWARD')).toBe(3);
    expect(calls.filter((call) => !call.startsWith('GET'))).toEqual(['PUT /config/t-value', 'POST /subjects/t-value/versions']);
    expect(registry.known(3)).toEqual({ kind: 'avro', schema: SCHEMA });
  });

  it('learns what the subject has had before, since stores are read where nobody can wait', async () => {
    const older = { ...SCHEMA, fields: [] };
    const { registry, calls } = await start((call, body, request) => {
      if (call.endsWith('/versions/latest')) return json({ subject: 't-value', version: 4, id: 3, schema: JSON.stringify(SCHEMA) });
      if (call.endsWith('/versions/3')) return json({ error_code: 40402, message: 'Version 3 not found.' }, 404); // deleted
      if (call.endsWith('/versions/2')) return json({ subject: 't-value', version: 2, id: 12, schemaType: 'JSON', schema: '{}' });
      if (call.endsWith('/versions/1')) return json({ subject: 't-value', version: 1, id: 11, schema: JSON.stringify(older) });
      return fakeRegistry('BACKWARD')(call, body, request);
    });
    await registry.register('t-value', SCHEMA, 'BACKWARD');
    expect([3, 11, 12].map((id) => registry.known(id))).toEqual([{ kind: 'avro', schema: SCHEMA }, { kind: 'avro', schema: older }, undefined]);
    expect([3, 11].map((id) => registry.fetch(id))).toEqual([undefined, undefined]);
    expect(calls.filter((call) => call.includes('/schemas/ids/'))).toEqual([]);
  });

  it('names the field where the registry refuses without a word', async () => {
    const { registry } = await start((call, body, request) => {
      if (call.startsWith('POST')) return json({ error_code: 409, message: 'Incompatible artifact: t-value' }, 409);
      if (call.endsWith('/versions/latest')) return json({ subject: 't-value', version: 1, id: 3, schema: JSON.stringify({ ...SCHEMA, fields: [] }) });
      return fakeRegistry('BACKWARD')(call, body, request);
    });
    await expect(registry.register('t-value', SCHEMA, 'BACKWARD')).rejects.toThrow(
      'The registry refuses R for the subject t-value: under BACKWARD, field a (string) is not in version 1 and has no default, so records of that version could not be read. Give it a default.',
    );
  });

  it('registers also where it may not ask for more', async () => {
    const { registry } = await start((call, body, request) => (call.includes('/versions/') ? json({ message: 'no' }, 403) : fakeRegistry('BACKWARD')(call, body, request)));
    expect(await registry.register('t-value', SCHEMA, 'BACKWARD')).toBe(3);
  });

  it('takes NONE for nobody\'s choice, and leaves every other level alone', async () => {
    const none = await start(fakeRegistry('NONE'));
    await none.registry.register('t-value', SCHEMA, 'BACKWARD');
    expect(none.calls).toContain('PUT /config/t-value');
    const full = await start(fakeRegistry('FULL'));
    await full.registry.register('t-value', SCHEMA, 'BACKWARD');
    expect(full.calls.some((call) => call.startsWith('PUT'))).toBe(false);
  });

  it('sends credentials, also those in the URL, and never shows them', async () => {
    const seen: (string | undefined)[] = [];
    let isFirst = true;
    const { registry, troubles } = await start(
      (call, body, request) => {
        seen.push(request.headers.authorization);
        if (!isFirst) return fakeRegistry()(call, body, request);
        isFirst = false;
        return json({}, 503);
      },
      { url: (port) => `http://me:s%40cret@127.0.0.1:${port}/` },
    );
    await registry.register('t-value', SCHEMA, 'BACKWARD');
    expect(new Set(seen)).toEqual(new Set([`Basic ${Buffer.from('me:s@cret').toString('base64')}`]));
    expect(troubles).toHaveLength(1);
    expect(troubles[0]).not.toContain('cret');
  });

  it.each<[string, Answer, new (...args: never[]) => Error, RegExp]>([
    ['an incompatible schema', json({ error_code: 409, message: 'Incompatible artifact' }, 409), SchemaRefusedError, /refuses R for the subject t-value: Incompatible artifact\./],
    ['wrong credentials', json({ error_code: 401, message: 'Unauthorized' }, 401), RegistryRefusedError, /Check the address .* and the credentials/],
    ['something that is no registry', { status: 200, body: '<html>log in first</html>' }, RegistryRefusedError, /does not answer like a schema registry/],
    ['a wrong address', { status: 404, body: 'nothing' }, RegistryRefusedError, /nothing is found at this address/],
  ])('gives up at once on %s', async (_what, answer, error, message) => {
    const { registry, troubles } = await start((call, body, request) => (call.startsWith('POST') || answer !== 'hang' && (answer as { status: number }).status !== 409 ? answer : fakeRegistry()(call, body, request)));
    const failing = registry.register('t-value', SCHEMA, 'BACKWARD');
    await expect(failing).rejects.toThrow(error);
    await expect(failing).rejects.toThrow(message);
    expect(troubles).toEqual([]);
  });

  it('refuses an address that is none', () => {
    expect(() => connectRegistry({ url: 'registry' })).toThrow(RegistryRefusedError);
  });
});

function fakeRegistry(level?: string): Handler {
  let current = level;
  return (call, body) => {
    if (call.startsWith('GET /config')) return current === undefined ? json({ error_code: 40408, message: 'no compatibility configured' }, 404) : json({ compatibilityLevel: current });
    if (call.startsWith('PUT /config')) return json({ compatibility: (current = (body as { compatibility: string }).compatibility) });
    return json({ id: 3 });
  };
}

function json(body: unknown, status = 200): Answer {
  return { status, body: JSON.stringify(body), headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' } };
}

async function start(handler: Handler, settings: Omit<Partial<RegistrySettings>, 'url'> & { url?: (port: number) => string } = {}, port = 0) {
  const calls: string[] = [];
  const troubles: string[] = [];
  const server = createServer((request, response) => void answer(request, response));
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const call = `${request.method} ${request.url}`;
    calls.push(call);
    const reply = handler(call, text === '' ? undefined : JSON.parse(text), request);
    if (reply === 'hang') return;
    if (reply === 'hang up') return void request.socket.destroy();
    response.writeHead(reply.status, reply.headers).end(reply.body);
  }
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const bound = (server.address() as AddressInfo).port;
  const { url = (p: number) => `http://127.0.0.1:${p}`, ...rest } = settings;
  const registry = connectRegistry({ ...rest, url: url(bound), onTrouble: (message) => troubles.push(message) });
  opened.push({ server, registries: [registry] });
  const stop = () =>
    new Promise<void>((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  return { registry, calls, troubles, port: bound, stop };
}
