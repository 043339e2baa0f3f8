import { BadRequestException, type PipeTransform } from '@nestjs/common';

const MAX_LENGTH = 2_000;

/** A question must be text: a list would be treated as a conversation that the client wrote. */
export class QuestionPipe implements PipeTransform<unknown, string> {
  transform(value: unknown): string {
    const question = typeof value === 'string' ? value.trim() : '';
    if (question === '' || question.length > MAX_LENGTH) {
      throw new BadRequestException(`Ask a question of 1 to ${MAX_LENGTH} characters.`);
    }
    return question;
  }
}
