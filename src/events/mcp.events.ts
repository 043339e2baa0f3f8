import { brand } from '../util/brand.js';
import { RunEvent, type RunInfo } from './event.js';

/** An MCP server connected. Handled by `@OnMcpConnect()`. */
export class McpConnectEvent extends RunEvent {
  static {
    brand(this, 'class:McpConnectEvent');
  }

  readonly type = 'mcp.connect';
  readonly serverName: string;
  /** The transport: `stdio`, `http` … */
  readonly transport: string;
  /** The number of tools, resources and prompts that it offers. */
  readonly counts: Readonly<Record<string, number>>;

  constructor(
    run: RunInfo,
    payload: { serverName: string; transport: string; counts: Readonly<Record<string, number>> },
  ) {
    super(run);
    this.serverName = payload.serverName;
    this.transport = payload.transport;
    this.counts = payload.counts;
  }

  protected fields(): readonly string[] {
    return ['serverName', 'transport', 'counts'];
  }
}

/** An MCP server disconnected. Handled by `@OnMcpDisconnect()`. */
export class McpDisconnectEvent extends RunEvent {
  static {
    brand(this, 'class:McpDisconnectEvent');
  }

  readonly type = 'mcp.disconnect';
  readonly serverName: string;
  readonly transport: string;
  readonly reason: string | undefined;

  constructor(
    run: RunInfo,
    payload: { serverName: string; transport: string; reason?: string | undefined },
  ) {
    super(run);
    this.serverName = payload.serverName;
    this.transport = payload.transport;
    this.reason = payload.reason;
  }

  protected fields(): readonly string[] {
    return ['serverName', 'transport', 'reason'];
  }
}

/** An MCP server reported progress. Handled by `@OnMcpProgress()`. */
export class McpProgressEvent extends RunEvent {
  static {
    brand(this, 'class:McpProgressEvent');
  }

  readonly type = 'mcp.progress';
  readonly serverName: string;
  readonly progress: number;
  readonly total: number | undefined;
  readonly message: string | undefined;

  constructor(
    run: RunInfo,
    payload: {
      serverName: string;
      progress: number;
      total?: number | undefined;
      message?: string | undefined;
    },
  ) {
    super(run);
    this.serverName = payload.serverName;
    this.progress = payload.progress;
    this.total = payload.total;
    this.message = payload.message;
  }

  protected fields(): readonly string[] {
    return ['serverName', 'progress', 'total', 'message'];
  }
}

/** An MCP server logged a message. Handled by `@OnMcpLog()`. */
export class McpLogEvent extends RunEvent {
  static {
    brand(this, 'class:McpLogEvent');
  }

  readonly type = 'mcp.log';
  readonly serverName: string;
  readonly level: string;
  readonly data: unknown;

  constructor(run: RunInfo, payload: { serverName: string; level: string; data: unknown }) {
    super(run);
    this.serverName = payload.serverName;
    this.level = payload.level;
    this.data = payload.data;
  }

  protected fields(): readonly string[] {
    return ['serverName', 'level', 'data'];
  }
}
