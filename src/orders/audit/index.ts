// Did the order system keep its promise? Judged from the topics and the inventory, by rules of its own.

export { audit, AuditFollower, type AuditOptions, follow, inputEnds } from './audit.ts';
export { AuditFold, type AuditFoldOptions } from './audit-fold.ts';
export { partitionsOf } from './topic-reader.ts';
export { type AuditCounts, type AuditReport, brokenInvariants, type InvariantReport, INVARIANTS, isSettled, type Pending } from './report.ts';
