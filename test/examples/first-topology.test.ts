// The topology that README.md begins with, and its test. What the README shows is an excerpt of this file; test/docs checks that.

import { expect, test } from 'vitest';
import { Serdes, StreamsBuilder } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';

interface Reading {
  readonly id: string;
  readonly celsius: number;
}

const readings = { key: Serdes.string(), value: Serdes.json<Reading>() };

function alarms() {
  const builder = new StreamsBuilder();
  builder
    .stream('readings', readings)
    .filter((reading) => reading !== null)
    .dedupe({ name: 'seen', id: (reading) => reading.id, retentionMs: 3_600_000, serde: Serdes.string() })
    .filter((reading) => reading.celsius > 90)
    .to('alarms', readings);
  return builder.build();
}

test('a hot reading raises one alarm, however often it is sent, and whatever crashes in between', async () => {
  await using driver = await TopologyTestDriver.start(alarms());
  const input = driver.createInputTopic('readings', readings);
  const output = driver.createOutputTopic('alarms', readings);

  await input.pipeInput('boiler-7', { id: 'r1', celsius: 95 });
  await driver.crash();
  await input.pipeInput('boiler-7', { id: 'r1', celsius: 95 });
  await input.pipeInput('boiler-7', { id: 'r2', celsius: 60 });

  expect(output.readValues()).toEqual([{ id: 'r1', celsius: 95 }]);
});
