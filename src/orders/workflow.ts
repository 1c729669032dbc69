// What the Temporal worker loads. Nothing but wiring: the order's life is in order-saga.ts, everything durable about it in `millrace/workflow`.

import { type MailboxInput, runSaga, type SagaDefinition } from 'millrace/workflow';
import { migrateOrder, OrderSaga, type OrderState } from './order-saga.ts';

const orderSaga: SagaDefinition<OrderState> = {
  start: (orderId) => OrderSaga.start(orderId),
  resume: (state) => new OrderSaga(migrateOrder(state)),
};

/** Workflow id = order id. The name is the workflow type: the bridge starts it by this name. */
export async function OrderWorkflow(input: MailboxInput<OrderState>): Promise<void> {
  await runSaga(input, orderSaga);
}
