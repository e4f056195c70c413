import { setTimeout as sleep } from 'node:timers/promises';
import { startWarden,newId } from './test/support/start-warden.ts';
await using w = await startWarden();
const ws=newId<any>(), teamId=newId<any>();
for(const workspaceId of [null,ws]) for(let i=0;i<14;i++){ const o=await w.create({workspaceId,teamId}); await sleep(60); await w.channel.call('sandbox.kill',o); await sleep(60);}
const rows=w.output().split('\n').filter(l=>l.startsWith('STEP')).map(l=>l.split(' ').slice(1));
for(const part of [rows.slice(2,14),rows.slice(16)]){ let tot=0;let line='';
 for(let c=0;c<part[0].length;c+=2){ const v=part.map(r=>Number(r[c+1])).sort((a,b)=>a-b); const m=v[v.length>>1]; tot+=m; line+=`${part[0][c]} ${m} (${v[0]}) `;} console.log(line,'sum',tot.toFixed(1)); }
