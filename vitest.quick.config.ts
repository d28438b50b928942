import config from './vitest.config.js';

/** `npm run test:quick`: the folders whose tests start no server, worker, cluster or terminal. */
const FOLDERS =
  'access,activities,client/declare,config,definition,execution/slurm,identity,operation,planning,plot,results,runner,storage,transport/shell,workflows';

/** Files in these folders that do start one, or take more than 10 s. */
const SLOW = [
  'activities/{heartbeat,submission/submission-files}',
  'client/declare/resources',
  'config/extensions',
  'execution/slurm/{array-control,array-monitor,array-submission,lost-runs,lost-to-memory}',
  'execution/slurm/{node-package,shipped-node,without-accounting}',
  'execution/slurm/clean/clean-spool',
  'execution/slurm/collect/collector',
  'execution/slurm/job/scheduled-job',
  'execution/slurm/task/{ending,environment,free-ranges,on-slurm,pulling,task}',
  'planning/{damaged-segments,memory}',
  'plot/{plot-results,render}',
  'results/{damaged,long-records,random-queries,wide}',
  'results/compaction/{compact,killed,processes}',
  'storage/{full-disk,locations,store-contract}',
  'storage/postgresql/*',
  'storage/file/lease',
  'transport/shell/contract',
  'workflows/{ending,history}',
];

export default {
  ...config,
  test: {
    ...config.test,
    include: [`test/{${FOLDERS}}/**/*.test.ts`],
    exclude: SLOW.map((file) => `test/${file}.test.ts`),
    maxWorkers: 2,
  },
};
