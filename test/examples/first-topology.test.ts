// The first topology and its test, as the README shows them: a file that can be copied as it is.

import { expect, test } from 'vitest';
import { Serdes, StreamsBuilder } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';

const readings = { key: Serdes.string(), value: Serdes.json<{ celsius: number }>() };

function alarms() {
  const builder = new StreamsBuilder();
  builder
    .stream('readings', readings)
    .filter((reading) => reading !== null && reading.celsius > 90)
    .to('alarms', readings);
  return builder.build();
}

test('a hot reading raises an alarm', async () => {
  await using driver = await TopologyTestDriver.start(alarms());
  const input = driver.createInputTopic('readings', readings);
  const output = driver.createOutputTopic('alarms', readings);

  await input.pipeInput('boiler-7', { celsius: 95 });
  await input.pipeInput('boiler-7', { celsius: 60 });

  expect(output.readValues()).toEqual([{ celsius: 95 }]);
});
