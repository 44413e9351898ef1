// The only door to Rust: nothing else in src/ imports the bindings or @tauri-apps.
// A command's Result becomes a value or a thrown BackendError; a channel becomes a callback.
import { Channel } from "@tauri-apps/api/core";
import {
  commands,
  events,
  type AuditQuery,
  type Changed,
  type ChartRequest,
  type CheckProgress,
  type Code,
  type CommandError,
  type ConnectionDraft,
  type ConnectionEdit,
  type DemoFault,
  type ImportSource,
  type Format,
  type ModelQuery,
  type PlaygroundEvent,
  type PlaygroundRequest,
  type Preferences,
  type PriceDraft,
  type ProviderDraft,
  type ProviderEdit,
  type Spend,
  type StageReport,
} from "./bindings";

export type * from "./bindings";

type Result<T, E> = { status: "ok"; data: T } | { status: "error"; error: E };

export class BackendError extends Error {
  readonly code: Code;
  /** what to do about it; may be empty */
  readonly hint: string;

  constructor({ code, message, hint }: CommandError) {
    super(message);
    this.name = "BackendError";
    this.code = code;
    this.hint = hint;
  }
}

/** Anything thrown, as an error that can be shown. */
export function asBackendError(thrown: unknown): BackendError {
  if (thrown instanceof BackendError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new BackendError({ code: "internal", message, hint: "" });
}

async function value<T>(answer: Promise<Result<T, CommandError>>): Promise<T> {
  let result: Result<T, CommandError>;
  try {
    result = await answer;
  } catch (thrown) {
    throw asBackendError(thrown);
  }
  if (result.status === "error") throw new BackendError(result.error);
  return result.data;
}

function channel<T>(onMessage: (message: T) => void): Channel<T> {
  const open = new Channel<T>();
  open.onmessage = onMessage;
  return open;
}

export const backend = {
  bootstrap: () => value(commands.bootstrap()),
  status: () => value(commands.status()),
  onChanged: (listener: (what: Changed) => void) => events.changed.listen(({ payload }) => listener(payload)),

  providers: () => value(commands.providers()),
  providerCards: () => value(commands.providerCards()),
  providerAdd: (draft: ProviderDraft) => value(commands.providerAdd(draft)),
  providerEdit: (slug: string, edit: ProviderEdit) => value(commands.providerEdit(slug, edit)),
  providerRemove: (slug: string, reassignTo: string | null) => value(commands.providerRemove(slug, reassignTo)),
  openKeysPage: (provider: string) => value(commands.openKeysPage(provider)),

  models: (query: ModelQuery) => value(commands.models(query)),
  modelDetail: (provider: string, model: string) => value(commands.modelDetail(provider, model)),
  modelCompare: (ids: string[]) => value(commands.modelCompare(ids)),
  modelAllow: (connection: string, model: string, allowed: boolean) =>
    value(commands.modelAllow(connection, model, allowed)),
  modelPin: (id: string, pinned: boolean) => value(commands.modelPin(id, pinned)),
  modelsSync: (provider: string | null) => value(commands.modelsSync(provider)),
  modelsSyncStop: () => value(commands.modelsSyncStop()),

  priceHistory: (provider: string, model: string) => value(commands.priceHistory(provider, model)),
  priceSet: (draft: PriceDraft) => value(commands.priceSet(draft)),
  priceUnset: (provider: string, model: string, effectiveFrom: number | null) =>
    value(commands.priceUnset(provider, model, effectiveFrom)),
  unpriced: () => value(commands.unpriced()),

  connections: () => value(commands.connections()),
  connectionAddTested: (draft: ConnectionDraft, onStage: (stage: StageReport) => void) =>
    value(commands.connectionAddTested(draft, channel(onStage))),
  connectionAddUntested: (draft: ConnectionDraft) => value(commands.connectionAddUntested(draft)),
  connectionEdit: (key: string, edit: ConnectionEdit) => value(commands.connectionEdit(key, edit)),
  connectionReplaceKey: (key: string, secret: string) => value(commands.connectionReplaceKey(key, secret)),
  connectionEnable: (key: string) => value(commands.connectionEnable(key)),
  connectionPause: (key: string) => value(commands.connectionPause(key)),
  connectionSuspend: (key: string) => value(commands.connectionSuspend(key)),
  connectionDuplicate: (key: string) => value(commands.connectionDuplicate(key)),
  connectionRemoval: (key: string) => value(commands.connectionRemoval(key)),
  connectionRemove: (key: string, reassignTo: string | null) => value(commands.connectionRemove(key, reassignTo)),
  connectionUndoRemove: (key: string) => value(commands.connectionUndoRemove(key)),
  connectionReorder: (keys: string[]) => value(commands.connectionReorder(keys)),
  connectionTest: (key: string, spend: Spend, onStage: (stage: StageReport) => void) =>
    value(commands.connectionTest(key, spend, channel(onStage))),
  connectionsTest: (keys: string[], spend: Spend, onProgress: (progress: CheckProgress) => void) =>
    value(commands.connectionsTest(keys, spend, channel(onProgress))),
  connectionTestStop: (key: string) => value(commands.connectionTestStop(key)),

  importPlan: (source: ImportSource, passphrase: string | null) => value(commands.importPlan(source, passphrase)),
  importApply: (source: ImportSource, chosen: string[], passphrase: string | null) =>
    value(commands.importApply(source, chosen, passphrase)),

  targets: () => value(commands.targets()),
  playgroundRun: (run: string, request: PlaygroundRequest, onEvent: (event: PlaygroundEvent) => void) =>
    value(commands.playgroundRun(run, request, channel(onEvent))),
  playgroundStop: (run: string) => value(commands.playgroundStop(run)),

  overview: () => value(commands.overview()),
  spendChart: (request: ChartRequest) => value(commands.spendChart(request)),

  apps: () => value(commands.apps()),
  appAdd: (name: string, feature: string | null) => value(commands.appAdd(name, feature)),
  appRotate: (name: string) => value(commands.appRotate(name)),
  appRevoke: (name: string) => value(commands.appRevoke(name)),

  audit: (query: AuditQuery, before: number | null, limit: number) => value(commands.audit(query, before, limit)),
  auditVerify: () => value(commands.auditVerify()),
  auditExport: (query: AuditQuery, format: Format) => value(commands.auditExport(query, format)),

  trafficStop: () => value(commands.trafficStop()),
  trafficResume: () => value(commands.trafficResume()),
  gatewayListen: (port: number | null) => value(commands.gatewayListen(port)),

  demoLoad: () => value(commands.demoLoad()),
  demoClear: () => value(commands.demoClear()),
  demoFault: (fault: DemoFault) => value(commands.demoFault(fault)),

  preferences: () => value(commands.preferences()),
  setPreferences: (preferences: Preferences) => value(commands.setPreferences(preferences)),
};
