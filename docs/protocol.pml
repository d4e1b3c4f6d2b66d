/* protocol.pml: a model of the protocol that docs/protocol.md describes.
 *
 * One primary, one scheduler (plus an optional zombie, a scheduler that was replaced and does not know it), two nodes that
 * have room for CAP instances each. One process takes guarded atomic steps (a next-state relation).
 *
 * A record r stands for (instance, fence), as an instance is bound at most once:
 *   slot 0 = a unique identity: r0 = its first instance, r1 = the second (may exist only when r0 cannot run any more)
 *   slot 1 = a managed one, not unique: r2 = its instance, r3 = the replacement (may exist as soon as r2 is condemned)
 * A record only moves forward: NONE, PENDING, BOUND(node), CONDEMNED(node), GONE. The sum of all states stands for the
 * store's revision. "fence <= revision" is: in this copy of the store the record has been bound (macro KNOWN).
 *
 * Links: what is in a queue when a link breaks may still be acted on until the reconnect, which drops the rest (the same
 * as a lost suffix of unknown length). In the model the primary may act on an old session's proposals and confirmations
 * even after the reconnect; the code drops them.
 * Convergence needs no fairness: once `quiet` holds no run has a cycle (checked with -DNP), and every dead end is a goal.
 *
 * The names are those of the code where both have the thing: stored = the primary's store, cached = the scheduler's cache,
 * assigned and destroying = the node's rows, floor, gone, condemned. Not in the model: an instance's states, its seq, and
 * with them `vacated`; batches (a set of facts is one atomic value here); digests; changes of capacity; clocks.
 * docs/protocol.md, section 8, says what of it the code has.
 *
 * Run:  spin -a -DF=2 -DSLOTS=1 [-DZOMBIE] [-DMUT_x] protocol.pml; gcc -O2 -DSAFETY -DCOLLAPSE -o pan pan.c; ./pan -m100000
 *       cycles: gcc -O2 -DNP -DCOLLAPSE -o pan pan.c; ./pan -l -m100000
 */
#ifndef F
#define F 3           /* fault budget: breaks, crashes, power-offs; one shared counter */
#endif
#ifndef CAP
#define CAP 1
#endif
#ifndef SLOTS
#define SLOTS 3       /* bit 0: slot 0 exists, bit 1: slot 1 exists */
#endif
#ifndef Q
#define Q 2           /* length of the queues to the primary and to/from the nodes */
#endif

#define NONE 0
#define PENDING 1
#define BOUND 2
#define CONDEMNED 3
#define GONE 4
/* the store, or a copy of it: 4 bits per record (3 state, 1 node), then 2 bits boot per node, 1 bit declared dead per node */
#define STATE(v,r)    (((v)>>(4*(r)))&7)
#define NODE(v,r)    (((v)>>(4*(r)+3))&1)
#define BOOT(v,n)  (((v)>>(16+2*(n)))&3)
#define DEAD(v,n)  (((v)>>(20+(n)))&1)
#define SET_STATE(r,s) stored = (stored & ~(7<<(4*(r)))) | ((s)<<(4*(r)))
#define SET_NODE(r,n) stored = (stored & ~(8<<(4*(r)))) | ((n)<<(4*(r)+3))
#define SET_BOOT(n,b) stored = (stored & ~(3<<(16+2*(n)))) | ((b)<<(16+2*(n)))
#define HOLDS(v,r,n) ((STATE(v,r)==BOUND || STATE(v,r)==CONDEMNED) && NODE(v,r)==(n))
#define USED(v,n)  (HOLDS(v,0,n)+HOLDS(v,1,n)+HOLDS(v,2,n)+HOLDS(v,3,n))
#define REVISION(v)     (STATE(v,0)+STATE(v,1)+STATE(v,2)+STATE(v,3))
#define B(r)       (1<<(r))
#define HAS(m,r)   (((m)>>(r))&1)
#define UNIQUE(r)    ((r)<2)
#define CNT(m)     (HAS(m,0)+HAS(m,1)+HAS(m,2)+HAS(m,3))

/* durable at the primary */
int  stored;                       /* the store */
byte wanted = SLOTS;             /* slots the user wants; a cleared bit is an acknowledged deletion */
/* primary, memory */
bit  edge_up, facts_due;              /* the session with the scheduler is up; facts are due to it */
/* scheduler, memory only */
int  cached; bit has_cache, first_facts; byte proposed, boot_due, in_session; byte due[2]; byte said_boot[2];
/* nodes: disk */
byte assigned[2], destroying[2];             /* assigned; being destroyed */
#ifdef ZOMBIE
byte floor[2]; int zombie_cache; bit zombie_lives;
#endif
/* nodes: memory and the machine itself */
byte permits[2], gone_due[2];             /* start permits of unique records in this boot; `gone` still to say */
byte running[2], boot[2]; byte off, lost, link;
/* the world */
byte f = F; bit quiet;
#ifdef MUT_NODUR
byte unflushed;
#endif
#ifdef MUT_DELNODUR
byte deletion_due, acknowledged;
#endif
#ifdef MUT_NOPERSIST
byte unwritten[2];
#endif

chan p2s = [1] of { int };                 /* the whole store: in the product, the items changed since the last facts */
chan s2p = [Q] of { byte };                /* 16+2r+n proposal, 32+2r+n gone, 64+4n+boot node up */
chan s2n[2] = [Q] of { byte, byte };       /* 64 destroy | boot<<3 | r ; revision */
chan n2s[2] = [Q] of { byte };             /* 64 + boot<<4 + mask inventory ; r gone */
hidden int msg; hidden int old; hidden byte kind; hidden byte r0; hidden byte n0; hidden byte ix;

#ifdef MUT_NOPERSIST
#define HELD(n) (assigned[n]|unwritten[n])
#ifdef RTLIST
#define INVENTORY(n) (assigned[n]|destroying[n]|unwritten[n]|running[n])
#else
#define INVENTORY(n) (assigned[n]|destroying[n]|unwritten[n])
#endif
#else
#define HELD(n) assigned[n]
#define INVENTORY(n) (assigned[n]|destroying[n])
#endif

inline drop(c)  { do :: len(c)>0 -> c?_ :: else -> break od }
inline drop2(c) { do :: len(c)>0 -> c?_,_ :: else -> break od }
inline let_go(r) { SET_STATE(r,GONE); SET_NODE(r,0) }
inline rejoin(n) { if :: DEAD(stored,n) && USED(stored,n)==0 -> stored = stored & ~(1<<(20+n)) :: else fi }

/* ---- guards that a mutation can remove ---- */
#ifdef MUT_NOPCHECK
#define PFIT(n)
#else
#define PFIT(n) && USED(stored,n)<CAP
#endif
#ifdef MUT_SBLIND
#define SFIT(n)
#else
#define SFIT(n) && USED(cached,n)<CAP
#endif
#ifdef MUT_EDGE
#define ORDER_AGAIN 0
#else
#define ORDER_AGAIN first_facts
#endif
#ifdef MUT_ANYPERMIT
#define BOOTOK(n,b) 1
#else
#define BOOTOK(n,b) ((b)==boot[n])
#endif
#ifdef MUT_EARLYSYNC
#define SREADY(n) 1
#define KNOWN(v,r) 1
#define ZORPHAN(r) 1
#else
#define SREADY(n) has_cache                                      /* inventories wait until the cache is complete */
#define KNOWN(v,r) (STATE(v,r)!=NONE && STATE(v,r)!=PENDING)          /* absence counts only if the cache is newer: fence <= revision */
#define ZORPHAN(r) (STATE(zombie_cache,r)==GONE)
#endif
#define NEWLY_BOUND(old,ix,n) (STATE(cached,ix)==BOUND && (STATE(old,ix)!=BOUND || (UNIQUE(ix) && BOOT(old,n)!=BOOT(cached,n)) || !has_cache))
#define NEWLY_CONDEMNED(old,ix) (STATE(cached,ix)==CONDEMNED && (STATE(old,ix)!=CONDEMNED || ORDER_AGAIN))

/* ---- primary ---- */
inline p_receive() {
  s2p?msg; kind = msg>>4;
  if
  :: kind==1 -> r0=(msg>>1)&7; n0=msg&1;                                   /* proposal: the check at the commit is the authority on R3 */
     if :: STATE(stored,r0)==PENDING && !DEAD(stored,n0) PFIT(n0) -> SET_STATE(r0,BOUND); SET_NODE(r0,n0);
#ifdef MUT_NODUR
              unflushed = unflushed|B(r0);
#endif
        :: else fi;
     facts_due=1                                                       /* the answer is the item itself, bound or still pending */
  :: kind==2 -> r0=(msg>>1)&7; n0=msg&1;                                   /* gone */
#ifdef MUT_NOFENCE
     if :: r0==0 && STATE(stored,1)!=NONE -> r0=1 :: r0==2 && STATE(stored,3)!=NONE -> r0=3 :: else fi;
     if :: HOLDS(stored,r0,n0) -> let_go(r0); rejoin(n0); facts_due=1 :: else fi
#else
     if :: STATE(stored,r0)==CONDEMNED && NODE(stored,r0)==n0 -> let_go(r0); rejoin(n0); facts_due=1 :: else fi
#endif
  :: kind>=4 -> n0=(msg>>2)&1; old=stored; SET_BOOT(n0,(msg&3)); rejoin(n0);      /* node up */
     if :: old!=stored -> facts_due=1 :: else fi
  fi; msg=0; old=0; kind=0; r0=0; n0=0
}
inline condemn(r) { if :: STATE(stored,r)==PENDING -> let_go(r) :: STATE(stored,r)==BOUND -> SET_STATE(r,CONDEMNED) :: else fi }
inline p_delete(s) {
#ifdef MUT_DELNODUR
  acknowledged=acknowledged|B(s); deletion_due=deletion_due|B(s)
#else
  wanted=wanted&~B(s); condemn(2*s); condemn(2*s+1); facts_due=1
#endif
}
#ifdef MUT_NOCONDEMN
#define CONDEMN_OLD(r) let_go(r)
#else
#define CONDEMN_OLD(r) SET_STATE(r,CONDEMNED)
#endif
#ifdef MUT_EARLYREPLACE
#define MAY_REPLACE(a) (STATE(stored,a)>=CONDEMNED)
#else
#define MAY_REPLACE(a) (STATE(stored,a)==GONE || (STATE(stored,a)==CONDEMNED && (!UNIQUE(a) || DEAD(stored,NODE(stored,a)))))
#endif

/* ---- scheduler ---- */
inline s_facts() {
  p2s?msg; old=cached; cached=msg; proposed=0; ix=0;
  do :: ix<4 ->
     n0=NODE(cached,ix);
     if :: HAS(in_session,n0) && (NEWLY_BOUND(old,ix,n0) || NEWLY_CONDEMNED(old,ix)) -> due[n0]=due[n0]|B(ix)
        :: else fi; ix++
     :: else -> break od;
  has_cache=1; first_facts=0; msg=0; old=0; ix=0; n0=0
}
inline s_hear(n) {
  n2s[n]?msg;
  if
  :: msg>=64 -> in_session=in_session|B(n); said_boot[n]=(msg>>4)&3; boot_due=boot_due|B(n); due[n]=0; ix=0;
     do :: ix<4 ->
        if :: HOLDS(cached,ix,n) && (STATE(cached,ix)==CONDEMNED || UNIQUE(ix) || !HAS(msg,ix)) -> due[n]=due[n]|B(ix)
           :: !HOLDS(cached,ix,n) && HAS(msg,ix) && KNOWN(cached,ix) -> due[n]=due[n]|B(ix)
           :: else fi; ix++
        :: else -> break od
  :: else ->
     if :: edge_up -> s2p!32+2*msg+n :: else fi   /* primary away: dropped, it will ask again */
  fi; msg=0; ix=0
}
inline s_order(n,r) {
  due[n]=due[n]&~B(r);
  if :: HOLDS(cached,r,n) && STATE(cached,r)==BOUND -> s2n[n]!(BOOT(cached,n)<<3)+r,REVISION(cached)
     :: else -> s2n[n]!64+r,REVISION(cached);
#ifdef MUT_RELEASEONSEND
        if :: edge_up && len(s2p)<Q -> s2p!32+2*r+n :: else fi
#endif
  fi
}

/* ---- node ---- */
inline n_assign(n,r,b) {
  if :: !HAS(INVENTORY(n),r) ->
#ifdef MUT_NOPERSIST
        unwritten[n]=unwritten[n]|B(r)
#else
        assigned[n]=assigned[n]|B(r)
#endif
     :: else fi;
  if :: UNIQUE(r) && HAS(HELD(n),r) && BOOTOK(n,b) -> permits[n]=permits[n]|B(r) :: else fi
}
inline n_destroy(n,r,v) {
#ifdef MUT_NOFENCE
  ix=0; do :: ix<4 -> if :: (ix>>1)==((r)>>1) && HAS(HELD(n),ix) -> assigned[n]=assigned[n]&~B(ix); destroying[n]=destroying[n]|B(ix) :: else fi; ix++ :: else -> break od; ix=0;
  if :: HAS(INVENTORY(n),r) || HAS(INVENTORY(n),(r)^1) -> skip :: else -> gone_due[n]=gone_due[n]|B(r) fi
#else
  if :: HAS(INVENTORY(n),r) -> assigned[n]=assigned[n]&~B(r); destroying[n]=destroying[n]|B(r);
#ifdef MUT_NOPERSIST
        unwritten[n]=unwritten[n]&~B(r);
#endif
#ifdef MUT_GONEFIRST
        gone_due[n]=gone_due[n]|B(r);
#endif
        permits[n]=permits[n]&~B(r)
     :: else -> gone_due[n]=gone_due[n]|B(r) fi;
#endif
#ifdef ZOMBIE
#ifndef MUT_NOFLOOR
  if :: v>floor[n] -> floor[n]=v :: else fi;
#endif
#endif
  skip
}
inline n_obey(n) {
  s2n[n]?msg,old;
  if :: msg>=64 -> r0=msg&7; n_destroy(n,r0,old)
     :: else  -> r0=msg&7; kind=(msg>>3)&3; n_assign(n,r0,kind) fi;
  msg=0; old=0; r0=0; kind=0
}
#define MAY_START(n,r) (HAS(HELD(n),r) && !HAS(destroying[n],r) && !HAS(running[n],r) NADMIT(n) PERMIT(n,r))
#ifdef MUT_NOADMIT
#define NADMIT(n)
#else
#define NADMIT(n) && CNT(running[n])<CAP
#endif
#ifdef MUT_NOPERMIT
#define PERMIT(n,r)
#else
#define PERMIT(n,r) && (!UNIQUE(r) || HAS(permits[n],r))
#endif
inline n_start(n,r) {
  running[n]=running[n]|B(r);
  assert(!HAS(running[1-n],r));                                        /* R1  */
  if :: UNIQUE(r) -> assert(((running[0]|running[1])&3)==B(r)) :: else fi;   /* R1b */
  assert(CNT(running[n])<=CAP)                                         /* R3  */
}
inline n_stop(n,r) {                                                /* K: nothing is stopped that is not durably condemned */
  if :: HAS(running[n],r) -> assert(STATE(stored,r)>=CONDEMNED) :: else fi; running[n]=running[n]&~B(r); destroying[n]=destroying[n]&~B(r); gone_due[n]=gone_due[n]|B(r)
}

/* ---- goal: what every dead end must look like ---- */
#define ALIVE(n) (!HAS(lost,n))
#define NODEOK(n) (!ALIVE(n) || (HAS(link,n) && HAS(in_session,n) && running[n]==(EXPECTED(n)) && assigned[n]==running[n] && destroying[n]==0 && len(s2n[n])==0 && len(n2s[n])==0))
#define EXPECTED_BIT(n,r) ((STATE(stored,r)==BOUND && NODE(stored,r)==n)<<(r))
#define EXPECTED(n) (EXPECTED_BIT(n,0)|EXPECTED_BIT(n,1)|EXPECTED_BIT(n,2)|EXPECTED_BIT(n,3))
#define CONDEMNED_OK(r) (STATE(stored,r)!=CONDEMNED || !ALIVE(NODE(stored,r)))
#define ROOM(n) (ALIVE(n) && !DEAD(stored,n) && USED(stored,n)<CAP)
#define RECOK(r) (STATE(stored,r)==BOUND || (STATE(stored,r)==PENDING && !ROOM(0) && !ROOM(1)))
#define SLOTOK(s) (HAS(wanted,s) -> (STATE(stored,2*s+1)!=NONE -> (RECOK(2*s+1) || STATE(stored,2*s+1)>=CONDEMNED) : (RECOK(2*s) || STATE(stored,2*s)==CONDEMNED)) : (STATE(stored,2*s)!=BOUND && STATE(stored,2*s)!=PENDING && STATE(stored,2*s+1)!=BOUND && STATE(stored,2*s+1)!=PENDING))
#ifdef CHK_R6
#define R6(n) assert((running[n]&~(assigned[n]|destroying[n]))==0)
#else
#define R6(n) skip
#endif

inline cut(n)     { link=link&~B(n); in_session=in_session&~B(n); due[n]=0 }
inline p_crash()  { edge_up=0; facts_due=0; drop(s2p);
#ifdef MUT_NODUR
  ix=0; do :: ix<4 -> if :: HAS(unflushed,ix) && STATE(stored,ix)==BOUND -> SET_STATE(ix,PENDING); SET_NODE(ix,0) :: else fi; ix++ :: else -> break od; ix=0; unflushed=0;
#endif
#ifdef MUT_DELNODUR
  deletion_due=0;
#endif
  skip }
inline s_crash()  {
#ifdef ZOMBIE
  if :: has_cache && !zombie_lives -> zombie_cache=cached; zombie_lives=1 :: else fi;
#endif
  edge_up=0; facts_due=0; drop(p2s); drop(n2s[0]); drop(n2s[1]); cut(0); cut(1); cached=0; has_cache=0; first_facts=0; proposed=0; boot_due=0; said_boot[0]=0; said_boot[1]=0 }
inline a_crash(n) { R6(n); cut(n); drop2(s2n[n]); permits[n]=0; gone_due[n]=0;
#ifdef MUT_NOPERSIST
  unwritten[n]=0;
#endif
  skip }
inline power(n)   { a_crash(n); off=off|B(n); running[n]=0 }

#define PER_RECORD(n,r) \
 :: d_step { !HAS(off,n) && MAY_START(n,r) -> n_start(n,r) } \
 :: d_step { !HAS(off,n) && HAS(destroying[n],r) -> n_stop(n,r) } \
 :: d_step { edge_up && has_cache && HAS(in_session,n) && !HAS(proposed,r) && STATE(cached,r)==PENDING && !DEAD(cached,n) SFIT(n) && len(s2p)<Q -> proposed=proposed|B(r); s2p!16+2*r+n } \
 ZORDER(n,r)
#ifdef ZOMBIE
/* a zombie scheduler: the cache of the one that crashed, cut off from the primary, still talking to a node that dials it */
#define ZGATE(n) (zombie_lives && !quiet && !HAS(off,n) && !HAS(link,n) && REVISION(zombie_cache)>=floor[n])
#define ZORDER(n,r) \
 :: d_step { ZGATE(n) && STATE(zombie_cache,r)==BOUND && NODE(zombie_cache,r)==n && (!HAS(INVENTORY(n),r) || (UNIQUE(r) && HAS(assigned[n],r) && !HAS(permits[n],r) && BOOT(zombie_cache,n)==boot[n])) -> n_assign(n,r,BOOT(zombie_cache,n)) } \
 :: d_step { ZGATE(n) && HAS(assigned[n],r) && ((HOLDS(zombie_cache,r,n) && STATE(zombie_cache,r)==CONDEMNED) || (!HOLDS(zombie_cache,r,n) && ZORPHAN(r))) -> n_destroy(n,r,REVISION(zombie_cache)) }
#else
#define ZORDER(n,r)
#endif
#define PER_NODE(n) \
 PER_RECORD(n,0) PER_RECORD(n,1) PER_RECORD(n,2) PER_RECORD(n,3) \
 :: d_step { !HAS(off,n) && len(s2n[n])>0 -> n_obey(n) } \
 :: d_step { !HAS(off,n) && !HAS(link,n) -> drop2(s2n[n]); drop(n2s[n]); link=link|B(n); gone_due[n]=0; n2s[n]!64+(boot[n]<<4)+INVENTORY(n) } \
 :: d_step { HAS(off,n) && !HAS(lost,n) -> off=off&~B(n); boot[n]=boot[n]+1 } \
 :: d_step { len(n2s[n])>0 && SREADY(n) && (!edge_up || len(s2p)<Q) -> s_hear(n) } \
 :: d_step { f>0 && !quiet && HAS(link,n) -> f--; cut(n) } \
 :: d_step { f>0 && !quiet && !HAS(off,n) -> f--; a_crash(n) } \
 :: d_step { f>0 && !quiet && !HAS(off,n) && boot[n]<3 -> f--; power(n) } \
 :: d_step { f>0 && !quiet && HAS(off,n) && lost==0 -> f--; lost=lost|B(n) } \
 :: d_step { !quiet && HAS(off,n) && !DEAD(stored,n) && USED(stored,n)>0 -> /* the operator declares it dead: it is off now, it may come back */ \
      stored=stored|(1<<(20+n)); ix=0; do :: ix<4 -> if :: STATE(stored,ix)==BOUND && NODE(stored,ix)==n -> SET_STATE(ix,CONDEMNED) :: else fi; ix++ :: else -> break od; ix=0; rejoin(n); facts_due=1 }

/* what a role does at once: delaying it adds no behaviour, because a queue can be lost as a whole */
#define EAGER_R(n,r) \
 :: !HAS(off,n) && HAS(gone_due[n],r) && HAS(link,n) && len(n2s[n])<Q -> gone_due[n]=gone_due[n]&~B(r); n2s[n]!r \
 :: !HAS(off,n) && HAS(gone_due[n],r) && !HAS(link,n) -> gone_due[n]=gone_due[n]&~B(r) \
 :: HAS(in_session,n) && HAS(due[n],r) && len(s2n[n])<Q -> s_order(n,r)
#define EAGER_N(n) EAGER_R(n,0) EAGER_R(n,1) EAGER_R(n,2) EAGER_R(n,3) \
 :: edge_up && HAS(boot_due,n) && HAS(in_session,n) && len(s2p)<Q -> boot_due=boot_due&~B(n); s2p!64+4*n+said_boot[n]

active proctype world() {
  d_step { if :: SLOTS&1 -> SET_STATE(0,PENDING) :: else fi; if :: SLOTS&2 -> SET_STATE(2,PENDING) :: else fi;
           cached=stored; edge_up=1; has_cache=1; link=3; in_session=3 }
  do
  :: atomic {
  if
  PER_NODE(0)
  PER_NODE(1)
  /* primary */
  :: d_step { len(s2p)>0 -> p_receive() }
  :: d_step { !quiet && HAS(wanted,0) && STATE(stored,0)==BOUND -> SET_STATE(0,CONDEMNED); facts_due=1 }              /* move the unique one */
  :: d_step { !quiet && HAS(wanted,1) && STATE(stored,2)==BOUND -> CONDEMN_OLD(2); SET_STATE(3,PENDING); facts_due=1 }    /* node unheard: condemn and replace, one commit */
  :: d_step { !quiet && HAS(wanted,0) -> p_delete(0) }
  :: d_step { !quiet && HAS(wanted,1) -> p_delete(1) }
#ifdef MUT_DELNODUR
  :: d_step { deletion_due!=0 -> ix=0; do :: ix<2 -> if :: HAS(deletion_due,ix) -> wanted=wanted&~B(ix); condemn(2*ix); condemn(2*ix+1) :: else fi; ix++ :: else -> break od; ix=0; deletion_due=0; facts_due=1 }
#endif
#ifdef MUT_NODUR
  :: d_step { unflushed!=0 -> unflushed=0 }
#endif
#ifdef MUT_NOPERSIST
  :: d_step { unwritten[0]!=0 -> assigned[0]=assigned[0]|unwritten[0]; unwritten[0]=0 }
  :: d_step { unwritten[1]!=0 -> assigned[1]=assigned[1]|unwritten[1]; unwritten[1]=0 }
#endif
  /* scheduler */
  :: d_step { len(p2s)>0 -> s_facts() }
  /* link primary-scheduler comes up; three ways for what the old connection had delivered to the primary */
  :: atomic { !edge_up -> drop(p2s); edge_up=1; facts_due=1; first_facts=1; proposed=0; boot_due=in_session;
       if :: skip :: len(s2p)>0 -> drop(s2p) :: len(s2p)==2 -> s2p?msg; s2p!msg; s2p?_; msg=0 fi }
  /* faults */
  :: d_step { f>0 && !quiet && edge_up -> f--; edge_up=0; facts_due=0 }
  :: d_step { f>0 && !quiet -> f--; p_crash() }
  :: d_step { f>0 && !quiet -> f--; s_crash() }
  :: d_step { !quiet -> quiet=1; f=0 }
  :: else ->
     assert(quiet);
     assert(edge_up && has_cache && len(p2s)==0 && len(s2p)==0);           /* R5 */
     assert(NODEOK(0) && NODEOK(1));                                /* R4, R5: what runs = what is bound, nothing else */
     assert(CONDEMNED_OK(0) && CONDEMNED_OK(1) && CONDEMNED_OK(2) && CONDEMNED_OK(3));      /* destroy orders and deletions are done */
     assert(SLOTOK(0) && SLOTOK(1));                                /* R2 */
#ifdef MUT_DELNODUR
     assert((acknowledged&wanted)==0);                                        /* R2: an acknowledged deletion is done */
#endif
     goto end
  fi;
  d_step { do
  EAGER_N(0)
  EAGER_N(1)
  :: HAS(wanted,0) && STATE(stored,1)==NONE && STATE(stored,0)!=NONE && MAY_REPLACE(0) -> SET_STATE(1,PENDING); facts_due=1
  :: HAS(wanted,1) && STATE(stored,3)==NONE && STATE(stored,2)!=NONE && MAY_REPLACE(2) -> SET_STATE(3,PENDING); facts_due=1
  :: edge_up && facts_due && len(p2s)==0 -> p2s!stored; facts_due=0
  :: else -> break od; skip } }
  od;
end: skip
}
