import { UseInterceptors } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
} from '@nestjs/websockets';
import { AgentService, ProgressReporter, RequestContextInterceptor } from 'nestjs-llm-callbacks';
import type { WebSocket } from 'ws';

@WebSocketGateway({ path: '/desk' })
@UseInterceptors(RequestContextInterceptor) // for Nest 11
export class DeskGateway {
  constructor(private readonly agent: AgentService) {}

  // A client that disconnects stops the agent.
  @SubscribeMessage('ask')
  async ask(@ConnectedSocket() socket: WebSocket, @MessageBody() question: string) {
    // Of this socket alone: other people's agents are none of its business.
    const progress = new ProgressReporter({
      onProgress: ({ step, status }) =>
        socket.send(JSON.stringify({ event: 'progress', data: { step, status } })),
    });
    const { output } = await this.agent.run(question, { callbacks: [progress] });
    return { event: 'answer', data: output };
  }
}
