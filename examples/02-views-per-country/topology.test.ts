// The topology beside this file, tested as a user tests theirs.

import { expect, test } from 'vitest';
import { TopologyTestDriver } from 'millrace/testing';
import { reports, users, views, viewsPerCountry } from './topology.ts';

test('each country gets one report for a minute, when the minute and its grace are over', async () => {
  await using driver = await TopologyTestDriver.start(viewsPerCountry());
  const userTopic = driver.createInputTopic('demo-users', users);
  const viewTopic = driver.createInputTopic('demo-views', views);
  const reportTopic = driver.createOutputTopic('demo-views-per-country', reports);

  await userTopic.pipeInput('ann', { country: 'FI' });
  await userTopic.pipeInput('bob', { country: 'PE' });

  await viewTopic.pipeInput('ann', { page: '/' }, 1_000);
  await viewTopic.pipeInput('bob', { page: '/' }, 30_000);
  await viewTopic.pipeInput('ann', { page: '/cart' }, 64_999); // the next minute; the first one still waits for late views
  await viewTopic.pipeInput('ann', { page: '/late' }, 59_999); // which is one
  expect(reportTopic.readRecords()).toEqual([]);

  await viewTopic.pipeInput('bob', { page: '/cart' }, 65_000);
  await viewTopic.pipeInput('ann', { page: '/too-late' }, 59_999);
  expect(reportTopic.readRecords().map(({ key, value }) => ({ key, ...value }))).toEqual([
    { key: 'FI', fromMs: 0, views: 2 },
    { key: 'PE', fromMs: 0, views: 1 },
  ]);
});

test('views of unknown users are left out', async () => {
  await using driver = await TopologyTestDriver.start(viewsPerCountry());
  const viewTopic = driver.createInputTopic('demo-views', views);
  await viewTopic.pipeInput('nobody', { page: '/' }, 1_000);
  await viewTopic.pipeInput('nobody', { page: '/' }, 100_000);
  expect(driver.createOutputTopic('demo-views-per-country', reports).readRecords()).toEqual([]);
});

test('a crash, and the loss of the disk, change nothing', async () => {
  await using driver = await TopologyTestDriver.start(viewsPerCountry());
  const viewTopic = driver.createInputTopic('demo-views', views);
  await driver.createInputTopic('demo-users', users).pipeInput('ann', { country: 'FI' });
  await viewTopic.pipeInput('ann', { page: '/' }, 1_000);
  await driver.crash();
  await viewTopic.pipeInput('ann', { page: '/' }, 2_000);
  await driver.crash({ wipeState: true });
  await viewTopic.pipeInput('ann', { page: '/' }, 65_000);
  expect(driver.createOutputTopic('demo-views-per-country', reports).readValues()).toEqual([{ fromMs: 0, views: 2 }]);
});
