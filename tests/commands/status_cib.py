"""A small cluster for the tests of status displays: two nodes, a failure, a group and a clone."""

# ruff: noqa: E501  (rows of XML read better whole)

CIB = b"""<cib validate-with="pacemaker-3.9" epoch="7" num_updates="0" admin_epoch="0"
 have-quorum="1" dc-uuid="1" cib-last-written="Mon Jun  1 12:00:00 2026" update-origin="web1"
 update-client="cibadmin" update-user="root">
 <configuration>
  <crm_config><cluster_property_set id="cib-bootstrap-options">
   <nvpair id="o1" name="cluster-infrastructure" value="corosync"/>
   <nvpair id="o2" name="dc-version" value="paceline-0.1.0"/>
   <nvpair id="o3" name="cluster-name" value="shop"/>
   <nvpair id="o4" name="stonith-enabled" value="false"/>
  </cluster_property_set></crm_config>
  <nodes><node id="1" uname="web1"/><node id="2" uname="web2"/></nodes>
  <resources>
   <primitive id="Address" class="ocf" provider="heartbeat" type="IPaddr2"/>
   <group id="Shop">
    <primitive id="Disk" class="ocf" provider="heartbeat" type="Filesystem"/>
    <primitive id="Web" class="ocf" provider="heartbeat" type="apache"/>
   </group>
   <clone id="Ping-clone">
    <primitive id="Ping" class="ocf" provider="pacemaker" type="ping"/>
   </clone>
   <primitive id="Old" class="ocf" provider="heartbeat" type="Dummy">
    <meta_attributes id="Old-m"><nvpair id="Old-t" name="target-role" value="Stopped"/></meta_attributes>
   </primitive>
  </resources>
  <constraints/>
 </configuration>
 <status>
  <node_state id="1" uname="web1" in_ccm="true" crmd="online" join="member" expected="member">
   <transient_attributes id="1"><instance_attributes id="status-1">
    <nvpair id="s1" name="pingd" value="100"/>
    <nvpair id="s2" name="fail-count-Web#monitor_10000" value="2"/>
    <nvpair id="s3" name="last-failure-Web#monitor_10000" value="1780315200"/>
   </instance_attributes></transient_attributes>
   <lrm id="1"><lrm_resources>
    <lrm_resource id="Address" class="ocf" provider="heartbeat" type="IPaddr2">
     <lrm_rsc_op id="Address_last_0" operation="start" call-id="5" rc-code="0" op-status="0" interval="0"
      transition-key="1:1:0:x"/>
    </lrm_resource>
    <lrm_resource id="Disk" class="ocf" provider="heartbeat" type="Filesystem">
     <lrm_rsc_op id="Disk_last_0" operation="start" call-id="6" rc-code="0" op-status="0" interval="0"
      transition-key="2:1:0:x"/>
    </lrm_resource>
    <lrm_resource id="Web" class="ocf" provider="heartbeat" type="apache">
     <lrm_rsc_op id="Web_last_0" operation="start" call-id="9" rc-code="0" op-status="0" interval="0"
      transition-key="3:1:0:x"/>
     <lrm_rsc_op id="Web_last_failure_0" operation_key="Web_monitor_10000" operation="monitor" call-id="8" rc-code="7" op-status="0" interval="10000" exit-reason="no pid file" last-rc-change="1780315200" exec-time="40"
      transition-key="4:1:0:x"/>
    </lrm_resource>
    <lrm_resource id="Ping" class="ocf" provider="pacemaker" type="ping">
     <lrm_rsc_op id="Ping_last_0" operation="start" call-id="7" rc-code="0" op-status="0" interval="0"
      transition-key="5:1:0:x"/>
    </lrm_resource>
   </lrm_resources></lrm>
  </node_state>
  <node_state id="2" uname="web2" in_ccm="false" crmd="offline" join="down" expected="down"/>
 </status>
</cib>"""
