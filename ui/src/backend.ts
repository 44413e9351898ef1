// The only door to Rust: nothing else in src/ imports the bindings or @tauri-apps.
// A command's Result becomes a value or a thrown BackendError; a channel becomes a callback.
import { Channel } from "@tauri-apps/api/core";
import {
  commands,
  events,
  type ActivityPlace,
  type ActivityQuery,
  type Afterwards,
  type AlertKind,
  type AlertLimits,
  type AppEdit,
  type AuditQuery,
  type BudgetDraft,
  type BudgetKey,
  type Changed,
  type ChartFormat,
  type ChartKind,
  type ChartRequest,
  type ChartTheme,
  type CheckProgress,
  type CheckSchedule,
  type Code,
  type CommandError,
  type ConnectionDraft,
  type ConnectionEdit,
  type DemoFault,
  type ExportFormat,
  type FilePurpose,
  type ImportSource,
  type Format,
  type DrillRequest,
  type ExploreQuery,
  type Homeless,
  type LimitEdit,
  type ModelQuery,
  type OpenGroups,
  type PlaygroundEvent,
  type PlaygroundRequest,
  type Policy,
  type Preferences,
  type PriceDraft,
  type ProfileDraft,
  type ProviderDraft,
  type ProviderEdit,
  type ShownChart,
  type ShownKind,
  type Shows,
  type Spec,
  type Spend,
  type StageReport,
  type TriedPrice,
  type UsageQuery,
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

  profiles: () => value(commands.profiles()),
  profileAdd: (draft: ProfileDraft) => value(commands.profileAdd(draft)),
  profileSave: (draft: ProfileDraft, expected: number | null) => value(commands.profileSave(draft, expected)),
  profileCheck: (spec: Spec) => value(commands.profileCheck(spec)),
  profileVersions: (name: string) => value(commands.profileVersions(name)),
  profileRestore: (name: string, version: number) => value(commands.profileRestore(name, version)),
  profileArchive: (name: string, reassignTo: string | null) => value(commands.profileArchive(name, reassignTo)),
  profileUnarchive: (name: string) => value(commands.profileUnarchive(name)),
  profileRemove: (name: string, reassignTo: string | null) => value(commands.profileRemove(name, reassignTo)),
  profilesAffected: () => value(commands.profilesAffected()),
  profilesRetarget: (from: string, to: string, only: string | null) => value(commands.profilesRetarget(from, to, only)),
  aliases: () => value(commands.aliases()),
  aliasSet: (alias: string, target: string) => value(commands.aliasSet(alias, target)),
  aliasRemove: (alias: string) => value(commands.aliasRemove(alias)),
  drill: (request: DrillRequest) => value(commands.drill(request)),
  drillStart: (request: DrillRequest, minutes: number, homeless: Homeless) =>
    value(commands.drillStart(request, minutes, homeless)),
  drillEnd: () => value(commands.drillEnd()),

  connections: () => value(commands.connections()),
  connectionAddTested: (draft: ConnectionDraft, onStage: (stage: StageReport) => void) =>
    value(commands.connectionAddTested(draft, channel(onStage))),
  connectionAddUntested: (draft: ConnectionDraft) => value(commands.connectionAddUntested(draft)),
  connectionEdit: (key: string, edit: ConnectionEdit) => value(commands.connectionEdit(key, edit)),
  connectionEnable: (key: string) => value(commands.connectionEnable(key)),
  connectionPause: (key: string) => value(commands.connectionPause(key)),
  connectionSuspend: (key: string) => value(commands.connectionSuspend(key)),
  connectionDuplicate: (key: string) => value(commands.connectionDuplicate(key)),
  connectionRemoval: (key: string, reassignTo: string | null) => value(commands.connectionRemoval(key, reassignTo)),
  connectionRemove: (key: string, reassignTo: string | null) => value(commands.connectionRemove(key, reassignTo)),
  connectionUndoRemove: (key: string) => value(commands.connectionUndoRemove(key)),
  connectionReorder: (keys: string[]) => value(commands.connectionReorder(keys)),
  connectionTest: (key: string, spend: Spend, onStage: (stage: StageReport) => void) =>
    value(commands.connectionTest(key, spend, channel(onStage))),
  connectionsTest: (keys: string[], spend: Spend, onProgress: (progress: CheckProgress) => void) =>
    value(commands.connectionsTest(keys, spend, channel(onProgress))),
  connectionTestStop: (key: string) => value(commands.connectionTestStop(key)),

  connectionLimit: (key: string, edit: LimitEdit) => value(commands.connectionLimit(key, edit)),
  connectionsTestStop: () => value(commands.connectionsTestStop()),
  checkPlans: (keys: string[], spend: Spend) => value(commands.checkPlans(keys, spend)),
  checkHistory: (key: string) => value(commands.checkHistory(key)),
  checkSchedule: () => value(commands.checkSchedule()),
  setCheckSchedule: (schedule: CheckSchedule) => value(commands.setCheckSchedule(schedule)),

  retention: () => value(commands.retention()),
  setRetention: (days: number) => value(commands.setRetention(days)),
  retentionPlan: () => value(commands.retentionPlan()),
  retentionRun: () => value(commands.retentionRun()),

  credentials: (key: string) => value(commands.credentials(key)),
  credentialStage: (key: string, secret: string) => value(commands.credentialStage(key, secret)),
  credentialRotate: (
    key: string,
    secret: string,
    afterwards: Afterwards,
    spend: Spend,
    onStage: (stage: StageReport) => void,
  ) => value(commands.credentialRotate(key, secret, afterwards, spend, channel(onStage))),
  credentialTest: (key: string, version: number, spend: Spend, onStage: (stage: StageReport) => void) =>
    value(commands.credentialTest(key, version, spend, channel(onStage))),
  credentialPromote: (key: string, version: number, afterwards: Afterwards) =>
    value(commands.credentialPromote(key, version, afterwards)),
  credentialPromoteTested: (
    key: string,
    version: number,
    afterwards: Afterwards,
    spend: Spend,
    onStage: (stage: StageReport) => void,
  ) => value(commands.credentialPromoteTested(key, version, afterwards, spend, channel(onStage))),
  credentialStandBy: (key: string, version: number) => value(commands.credentialStandBy(key, version)),
  credentialRollback: (key: string) => value(commands.credentialRollback(key)),
  credentialRevoke: (key: string, version: number) => value(commands.credentialRevoke(key, version)),
  credentialPurge: (key: string, version: number) => value(commands.credentialPurge(key, version)),
  credentialSetExpiry: (key: string, version: number, expiresAt: number | null) =>
    value(commands.credentialSetExpiry(key, version, expiresAt)),
  credentialSetPolicy: (key: string, policy: Policy) => value(commands.credentialSetPolicy(key, policy)),
  importPlan: (source: ImportSource, passphrase: string | null) => value(commands.importPlan(source, passphrase)),
  importApply: (source: ImportSource, chosen: string[], passphrase: string | null) =>
    value(commands.importApply(source, chosen, passphrase)),

  targets: () => value(commands.targets()),
  playgroundRun: (run: string, request: PlaygroundRequest, onEvent: (event: PlaygroundEvent) => void) =>
    value(commands.playgroundRun(run, request, channel(onEvent))),
  playgroundEstimate: (request: PlaygroundRequest) => value(commands.playgroundEstimate(request)),
  playgroundAttach: (path: string) => value(commands.playgroundAttach(path)),
  playgroundStop: (run: string) => value(commands.playgroundStop(run)),

  overview: () => value(commands.overview()),

  activity: (query: ActivityQuery, below: ActivityPlace | null, limit: number) =>
    value(commands.activity(query, below, limit)),
  activityNews: (query: ActivityQuery, after: number) => value(commands.activityNews(query, after)),
  activityNow: (query: ActivityQuery) => value(commands.activityNow(query)),
  activityTempo: (query: ActivityQuery, request: ChartRequest) => value(commands.activityTempo(query, request)),
  activityCall: (call: string) => value(commands.activityCall(call)),
  activityExport: (query: ActivityQuery, format: ExportFormat) => value(commands.activityExport(query, format)),
  activityMessages: (call: string) => value(commands.activityMessages(call)),

  usage: (query: UsageQuery) => value(commands.usage(query)),
  usageGroups: (query: UsageQuery) => value(commands.usageGroups(query)),
  usageChart: (kind: ChartKind, query: UsageQuery, request: ChartRequest) =>
    value(commands.usageChart(kind, query, request)),
  usageExplore: (query: ExploreQuery) => value(commands.usageExplore(query)),
  usageExploreChart: (query: ExploreQuery, request: ChartRequest) => value(commands.usageExploreChart(query, request)),
  usageValues: () => value(commands.usageValues()),
  usageWhatIf: (query: UsageQuery, models: string[], price: TriedPrice | null) =>
    value(commands.usageWhatIf(query, models, price)),
  appCheaper: (name: string) => value(commands.appCheaper(name)),
  usageExport: (query: UsageQuery, format: ExportFormat) => value(commands.usageExport(query, format)),
  usageExportGroups: (query: UsageQuery, open: OpenGroups | null) => value(commands.usageExportGroups(query, open)),
  usageStatement: (app: string, month: string) => value(commands.usageStatement(app, month)),

  chartExport: (chart: ShownChart, format: ChartFormat) => value(commands.chartExport(chart, format)),
  chartCopy: (chart: ShownChart) => value(commands.chartCopy(chart)),
  chartsExport: (query: UsageQuery, theme: ChartTheme, shown: ShownKind[]) =>
    value(commands.chartsExport(query, theme, shown)),

  savedViews: () => value(commands.savedViews()),
  savedViewAdd: (name: string, shows: Shows) => value(commands.savedViewAdd(name, shows)),
  savedViewReplace: (name: string, shows: Shows) => value(commands.savedViewReplace(name, shows)),
  savedViewRename: (name: string, to: string) => value(commands.savedViewRename(name, to)),
  savedViewRemove: (name: string) => value(commands.savedViewRemove(name)),

  budgets: () => value(commands.budgets()),
  budgetSet: (draft: BudgetDraft) => value(commands.budgetSet(draft)),
  budgetRemove: (key: BudgetKey) => value(commands.budgetRemove(key)),
  budgetResume: (key: BudgetKey, more: string) => value(commands.budgetResume(key, more)),

  alerts: () => value(commands.alerts()),
  alertDetail: (id: number) => value(commands.alertDetail(id)),
  alertChart: (id: number, request: ChartRequest) => value(commands.alertChart(id, request)),
  alertAcknowledge: (id: number) => value(commands.alertAcknowledge(id)),
  alertSnooze: (id: number, minutes: number) => value(commands.alertSnooze(id, minutes)),
  alertRules: () => value(commands.alertRules()),
  alertRuleSet: (kind: AlertKind, isOn: boolean | null, onDesktop: boolean | null) =>
    value(commands.alertRuleSet(kind, isOn, onDesktop)),
  alertRuleTest: (kind: AlertKind) => value(commands.alertRuleTest(kind)),
  alertLimitsSet: (limits: AlertLimits) => value(commands.alertLimitsSet(limits)),

  apps: () => value(commands.apps()),
  appAdd: (name: string, feature: string | null) => value(commands.appAdd(name, feature)),
  appEdit: (name: string, edit: AppEdit) => value(commands.appEdit(name, [edit])),
  appRotate: (name: string) => value(commands.appRotate(name)),
  appRevoke: (name: string) => value(commands.appRevoke(name)),

  audit: (query: AuditQuery, before: number | null, limit: number) => value(commands.audit(query, before, limit)),
  auditVerify: () => value(commands.auditVerify()),
  auditExport: (query: AuditQuery, format: Format) => value(commands.auditExport(query, format)),

  vault: () => value(commands.vault()),
  vaultUnlock: (passphrase: string) => value(commands.vaultUnlock(passphrase)),
  vaultAsk: () => value(commands.vaultAsk()),
  vaultMoveToKeychain: () => value(commands.vaultMoveToKeychain()),
  vaultMoveToFile: (passphrase: string) => value(commands.vaultMoveToFile(passphrase)),
  vaultChangePassphrase: (current: string, next: string) => value(commands.vaultChangePassphrase(current, next)),

  backups: () => value(commands.backups()),
  backUp: (path: string | null, passphrase: string | null) => value(commands.backUp(path, passphrase)),
  backupLook: (path: string, passphrase: string | null) => value(commands.backupLook(path, passphrase)),
  backupRestore: (path: string, passphrase: string | null, vaultPassphrase: string | null) =>
    value(commands.backupRestore(path, passphrase, vaultPassphrase)),
  chooseFile: (purpose: FilePurpose) => value(commands.chooseFile(purpose)),

  trafficStop: () => value(commands.trafficStop()),
  trafficResume: () => value(commands.trafficResume()),
  gatewayListen: (port: number | null) => value(commands.gatewayListen(port)),

  demoLoad: () => value(commands.demoLoad()),
  demoClear: () => value(commands.demoClear()),
  demoFault: (fault: DemoFault) => value(commands.demoFault(fault)),

  startsWithComputer: () => value(commands.startsWithComputer()),
  startWithComputer: (on: boolean) => value(commands.startWithComputer(on)),
  gatewayReach: () => value(commands.gatewayReach()),
  setGatewayReach: (address: string | null, hosts: string[]) => value(commands.setGatewayReach(address, hosts)),
  preferences: () => value(commands.preferences()),
  setPreferences: (preferences: Preferences) => value(commands.setPreferences(preferences)),
};
