import {
  InvalidOptionError,
  poolName,
  poolPlan,
  type Context,
  type Pool,
  type PoolManyOptions,
  type PoolOptions,
  type PoolTaskOptions,
  type TaskCallOptions,
  type TaskDefinition,
  type WithSecrets,
} from '@pawl/sdk';
import type { ProcessHost } from './host.ts';

/** Longest name of a pool, as of everything that a person names. */
const MAX_NAME = 200;

/** Declares the pool where options are given. No row, no turn, no key: it is configuration. */
export function usePool(
  host: ProcessHost,
  ctx: Context,
  name: string,
  options: PoolOptions | undefined,
): Pool {
  host.currentScope();
  const known = poolName(name);
  if (known.length > MAX_NAME)
    throw new InvalidOptionError('name', known, `a name of at most ${MAX_NAME} characters`);
  if (options === undefined) host.pools.use(known);
  else {
    const plan = poolPlan(options);
    host.pools.declare(known, plan);
    host.port.declarePool(known, plan);
  }
  return poolOf(ctx, known);
}

function poolOf(ctx: Context, name: string): Pool {
  return {
    name,
    execute: <Args, Output>(
      definition: TaskDefinition<Args, Output>,
      args?: WithSecrets<Args>,
      options?: PoolTaskOptions,
    ): Promise<Output> =>
      // The signature says where arguments may be left out; here they are what was given.
      ctx.task(
        definition as TaskDefinition<Args | undefined, Output>,
        args as WithSecrets<Args | undefined>,
        inPool(name, options),
      ),
    executeMany: <Args, Output>(
      definition: TaskDefinition<Args, Output>,
      argsList: Iterable<Args>,
      options: PoolManyOptions<Args> = {},
    ): Promise<Output[]> => {
      const { cost, retry, deadline, taskTimeout, ...group } = options;
      const task = inPool(name, {
        ...(cost === undefined ? {} : { cost }),
        ...(retry === undefined ? {} : { retry }),
        ...(deadline === undefined ? {} : { deadline }),
        ...(taskTimeout === undefined ? {} : { timeout: taskTimeout }),
      });
      return ctx.parallel.map(
        argsList,
        (args) => ctx.task(definition as TaskDefinition<Args | undefined, Output>, args, task),
        group,
      ) as Promise<Output[]>;
    },
  };
}

function inPool(name: string, options: PoolTaskOptions | undefined): TaskCallOptions {
  if (options !== undefined && (typeof options !== 'object' || options === null))
    throw new InvalidOptionError('options', options, 'an object');
  if (options !== undefined && Object.hasOwn(options, 'pool'))
    throw new InvalidOptionError('pool', Reflect.get(options, 'pool'), `left out: this is pool '${name}'`);
  return { ...options, pool: name };
}
